package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// party has an identity and knows whom it trusts.
type party struct {
	*x509svid.SVID
	*x509bundle.Set
}

func verify(directory string) error {
	found, err := readDirectory(directory)
	if err != nil {
		return err
	}
	described := describe(found.SVID, found)
	if described["verified"] != true {
		return fmt.Errorf("%v", described["verified"])
	}
	described["event"] = "verified"
	say(described)
	return nil
}

func open(ctx context.Context, source string) (party, error) {
	if !strings.HasPrefix(source, "unix://") {
		return readDirectory(source)
	}
	found, err := workloadapi.FetchX509Context(ctx, workloadapi.WithAddr(source))
	if err != nil {
		return party{}, err
	}
	return party{found.DefaultSVID(), found.Bundles}, nil
}

func readDirectory(directory string) (party, error) {
	svid, err := x509svid.Load(filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key"))
	if err != nil {
		return party{}, err
	}
	bundle, err := x509bundle.Load(svid.ID.TrustDomain(), filepath.Join(directory, "ca.crt"))
	if err != nil {
		return party{}, err
	}
	return party{svid, x509bundle.NewSet(bundle)}, nil
}

// handshake says whom each side saw, after a byte went there and back: in TLS 1.3 a client learns of its refusal no
// earlier.
func handshake(ctx context.Context, serverSource, clientSource string) error {
	server, err := open(ctx, serverSource)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	client, err := open(ctx, clientSource)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	near, far, err := connect()
	if err != nil {
		return err
	}
	defer near.Close()
	anybody := tlsconfig.AuthorizeAny()
	serving := tls.Server(far, tlsconfig.MTLSServerConfig(server, server, anybody))
	served := make(chan error, 1)
	go func() {
		defer far.Close()
		_, err := io.CopyN(serving, serving, 1)
		served <- err
	}()
	calling := tls.Client(near, tlsconfig.MTLSClientConfig(client, client, anybody))
	err = calling.HandshakeContext(ctx)
	if err == nil {
		_, err = calling.Write([]byte{42})
	}
	if err == nil {
		_, err = io.ReadFull(calling, make([]byte, 1))
	}
	near.Close()
	if serverErr := <-served; serverErr != nil || err != nil {
		return errors.Join(wrap("server", serverErr), wrap("client", err))
	}
	seenByServer, err := peer(serving)
	if err != nil {
		return err
	}
	seenByClient, err := peer(calling)
	if err != nil {
		return err
	}
	say(line{"event": "shaken", "server": seenByClient, "client": seenByServer})
	return nil
}

// connect gives both ends of a TCP connection of the loopback interface.
func connect() (near, far net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if near, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		return nil, nil, err
	}
	far, err = listener.Accept()
	return near, far, err
}

func wrap(who string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", who, err)
}

func peer(connection *tls.Conn) (spiffeid.ID, error) {
	return x509svid.IDFromCert(connection.ConnectionState().PeerCertificates[0])
}
