package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
)

const (
	// exchangeTimeout limits one connection, from its beginning to the end of the answer.
	exchangeTimeout = 10 * time.Second
	// mostAtOnce keeps a server that stands still from filling the memory; what cannot be begun is counted.
	mostAtOnce = 400
	// mostTold of the failures are told in words; all are counted.
	mostTold = 100
)

// load opens so many connections a second to a server, each with a full handshake and one request, until it is ended.
// The beat does not wait for answers. It says when it first met each of the server's certificates, what failed, and at
// the end how much there was.
func load(ctx context.Context, server, source, perSecond string) error {
	rate, err := strconv.ParseFloat(perSecond, 64)
	if err != nil || rate <= 0 {
		return fmt.Errorf("not a rate: %q", perSecond)
	}
	client, err := open(ctx, source)
	if err != nil {
		return err
	}
	config := tlsconfig.MTLSClientConfig(client, client, tlsconfig.AuthorizeMemberOf(client.ID.TrustDomain()))
	// The key exchange of a generator that shares its machine with what it measures should cost no more than it must.
	config.CurvePreferences = []tls.CurveID{tls.X25519}
	t := tally{seen: map[string]bool{}}
	free := make(chan struct{}, mostAtOnce)
	var running sync.WaitGroup
	start := time.Now()
	for beat := 0; ; beat++ {
		due := start.Add(time.Duration(float64(beat) / rate * float64(time.Second)))
		select {
		case <-ctx.Done():
			lasted := time.Since(start)
			running.Wait()
			t.sum(lasted)
			return nil
		case <-time.After(time.Until(due)):
		}
		select {
		case free <- struct{}{}:
			running.Go(func() {
				t.add(exchange(server, config))
				<-free
			})
		default:
			t.skip()
		}
	}
}

// outcome is what became of one connection.
type outcome struct {
	// stage is where it failed: connect, handshake or request.
	stage       string
	err         error
	shaken      time.Duration
	shakenAt    time.Time
	certificate *x509.Certificate
}

// exchange asks for an answer, too: in TLS 1.3 a client learns of its refusal no earlier. Once begun it goes on to its end,
// even when no more are begun.
func exchange(server string, config *tls.Config) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), exchangeTimeout)
	defer cancel()
	begun := time.Now()
	var dialer net.Dialer
	plain, err := dialer.DialContext(ctx, "tcp", server)
	if err != nil {
		return outcome{stage: "connect", err: err}
	}
	defer plain.Close()
	deadline, _ := ctx.Deadline()
	_ = plain.SetDeadline(deadline)
	secure := tls.Client(plain, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return outcome{stage: "handshake", err: err}
	}
	now := time.Now()
	if err := request(secure); err != nil {
		return outcome{stage: "request", err: err}
	}
	return outcome{shaken: now.Sub(begun), shakenAt: now, certificate: secure.ConnectionState().PeerCertificates[0]}
}

func request(connection net.Conn) error {
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: mesh\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// tally is what there was so far.
type tally struct {
	sync.Mutex
	seen            map[string]bool
	took            []time.Duration
	failed, skipped int
}

func (t *tally) add(o outcome) {
	t.Lock()
	defer t.Unlock()
	if o.err != nil {
		if t.failed++; t.failed <= mostTold {
			say(line{"event": "failed", "stage": o.stage, "error": o.err.Error(), "atMs": milliseconds(time.Now())})
		}
		return
	}
	t.took = append(t.took, o.shaken)
	serialNumber := fmt.Sprintf("%X", o.certificate.SerialNumber)
	if !t.seen[serialNumber] {
		t.seen[serialNumber] = true
		say(line{"event": "served", "serialNumber": serialNumber, "atMs": milliseconds(o.shakenAt)})
	}
}

func (t *tally) skip() {
	t.Lock()
	defer t.Unlock()
	t.skipped++
}

func (t *tally) sum(lasted time.Duration) {
	slices.Sort(t.took)
	share := func(part float64) float64 {
		if len(t.took) == 0 {
			return 0
		}
		return float64(t.took[int(float64(len(t.took)-1)*part)]) / float64(time.Millisecond)
	}
	say(line{
		"event": "sum", "answered": len(t.took), "failed": t.failed, "skipped": t.skipped,
		"seconds": lasted.Seconds(), "shakenMsP50": share(0.5), "shakenMsP99": share(0.99),
	})
}

// milliseconds since 1970, with their fractions.
func milliseconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1000 }
