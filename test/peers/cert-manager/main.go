// cert-manager as the tests run it: its own controllers for issuers, certificates and requests, with the approver and the
// CA and self-signed issuers. Its cmd/ is a Go module of its own that no proxy has, but the controllers register themselves,
// so this stands for the flags, the leader election and the metrics of that program only. There is no webhook either.
// Several may share a cluster, each with a namespace of its own; without one it works for all, ClusterIssuers included.
//
//	cert-manager -kubeconfig FILE [-namespace NAME] [-disable NAME,NAME]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

const (
	workers = 2
	// Where the secrets of ClusterIssuers lie, as in an installation by its chart.
	clusterResourceNamespace = "cert-manager"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "the API server, and who we are to it")
	namespace := flag.String("namespace", "", "the only namespace to work in; default: all, and ClusterIssuers")
	disable := flag.String("disable", "", "names of controllers to leave out, separated by commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *namespace, strings.Split(*disable, ",")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig, namespace string, disabled []string) error {
	options := controller.ContextOptions{
		Kubeconfig:         kubeconfig,
		Namespace:          namespace,
		KubernetesAPIQPS:   100,
		KubernetesAPIBurst: 200,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: clusterResourceNamespace},
	}
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	isDisabled := map[string]bool{clusterissuers.ControllerName: namespace != ""}
	for _, name := range disabled {
		isDisabled[name] = true
	}
	var controllers sync.WaitGroup
	for name, construct := range controller.Known() {
		if isDisabled[name] {
			continue
		}
		one, err := construct(factory)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		controllers.Go(func() {
			if err := one.Run(workers, ctx); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			}
		})
	}
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	fmt.Println("cert-manager is running")
	controllers.Wait()
	return nil
}
