// Spiffe-client is an independent reader of what meshcert hands over: go-spiffe v2, and the gRPC of Go. It prints one
// JSON object a line.
//
//	spiffe-client watch ADDRESS            X509 contexts of a Workload API, until it is ended
//	spiffe-client watch-bundles ADDRESS    its X.509 bundles, until it is ended
//	spiffe-client verify DIRECTORY         tls.crt and tls.key as an X509-SVID, verified against ca.crt
//	spiffe-client handshake SERVER CLIENT  mutual TLS between two; each is an ADDRESS or a DIRECTORY
//	spiffe-client load SERVER CLIENT RATE  so many connections a second to HOST:PORT, until it is ended
//	spiffe-client services ADDRESS         services with their methods, told by gRPC reflection
//	spiffe-client health ADDRESS [SERVICE] as the standard health service tells it
//
// An ADDRESS is what SPIFFE_ENDPOINT_SOCKET holds, such as unix:///run/workload.sock. The exit code is 1 when it failed,
// with the reason in "error".
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// onceTimeout limits the commands that end by themselves.
const onceTimeout = 20 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && ctx.Err() == nil {
		say(line{"event": "failed", "error": err.Error()})
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	once, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	switch command := append(args, "", "", "")[0]; {
	case command == "watch" && len(args) == 2:
		return watch(ctx, args[1])
	case command == "watch-bundles" && len(args) == 2:
		return watchBundles(ctx, args[1])
	case command == "verify" && len(args) == 2:
		return verify(args[1])
	case command == "handshake" && len(args) == 3:
		return handshake(once, args[1], args[2])
	case command == "load" && len(args) == 4:
		return load(ctx, args[1], args[2], args[3])
	case command == "services" && len(args) == 2:
		return services(once, args[1])
	case command == "health" && (len(args) == 2 || len(args) == 3):
		return health(once, args[1], append(args, "")[2])
	default:
		return errors.New("usage: spiffe-client watch|watch-bundles|verify|handshake|load|services|health ARGUMENTS")
	}
}

type line map[string]any

var stdout sync.Mutex

func say(l line) {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	stdout.Lock()
	defer stdout.Unlock()
	_, _ = os.Stdout.Write(append(text, '\n'))
}
