package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc/status"
)

func watch(ctx context.Context, address string) error {
	return workloadapi.WatchX509Context(ctx, watcher{}, workloadapi.WithAddr(address))
}

func watchBundles(ctx context.Context, address string) error {
	return workloadapi.WatchX509Bundles(ctx, watcher{}, workloadapi.WithAddr(address))
}

// watcher says what it is told. go-spiffe asks again by itself after an error.
type watcher struct{}

func (watcher) OnX509ContextUpdate(update *workloadapi.X509Context) {
	svids := []line{}
	for _, svid := range update.SVIDs {
		svids = append(svids, describe(svid, update.Bundles))
	}
	say(line{"event": "context", "svids": svids, "bundles": fingerprints(update.Bundles)})
}

func (watcher) OnX509BundlesUpdate(bundles *x509bundle.Set) {
	say(line{"event": "bundles", "bundles": fingerprints(bundles)})
}

func (watcher) OnX509ContextWatchError(err error) { sayError(err) }
func (watcher) OnX509BundlesWatchError(err error) { sayError(err) }

func sayError(err error) {
	s := status.Convert(err)
	say(line{"event": "error", "code": s.Code().String(), "error": s.Message()})
}

// describe also verifies the SVID: "verified" holds the reason when it fails.
func describe(svid *x509svid.SVID, bundles x509bundle.Source) line {
	leaf := svid.Certificates[0]
	verified := any(true)
	if _, _, err := x509svid.Verify(svid.Certificates, bundles); err != nil {
		verified = err.Error()
	}
	return line{
		"spiffeId":     svid.ID.String(),
		"serialNumber": fmt.Sprintf("%X", leaf.SerialNumber),
		"hint":         svid.Hint,
		"notAfter":     leaf.NotAfter.UTC().Format(time.RFC3339),
		"certificates": len(svid.Certificates),
		"verified":     verified,
	}
}

// fingerprints lists the SHA-256 of the authorities by trust domain.
func fingerprints(bundles *x509bundle.Set) map[string][]string {
	found := map[string][]string{}
	for _, bundle := range bundles.Bundles() {
		found[bundle.TrustDomain().Name()] = sums(bundle.X509Authorities())
	}
	return found
}

func sums(certificates []*x509.Certificate) []string {
	hashes := []string{}
	for _, certificate := range certificates {
		hashes = append(hashes, fmt.Sprintf("%x", sha256.Sum256(certificate.Raw)))
	}
	return hashes
}
