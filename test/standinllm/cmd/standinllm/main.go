// Command standinllm serves the stand-in language model on a loopback address. It is for tests and for trying things
// out: its verdicts mean nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "standinllm:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("standinllm", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:11439", "loopback `address` to listen on; port 0 picks a free one")
	latency := flags.Duration("latency", 0, "how long each answer takes")
	slow := flags.Duration("slow-latency", 2*time.Second, "how long an answer of standin-slow takes")
	flags.Usage = func() {
		if flags.Output() == io.Discard {
			return
		}
		_, _ = fmt.Fprintln(flags.Output(), "A stand-in for a language model, with OpenAI's and Anthropic's API. Models: standin (or any other name), standin-"+strings.Join(standinllm.Behaviours(), ", standin-"))
		flags.PrintDefaults()
	}
	flags.SetOutput(io.Discard) // a wrong flag is one line, not a page
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		flags.Usage()
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; -h lists the flags", err)
	}
	listener, err := listen(*addr)
	if err != nil {
		return err
	}
	fmt.Printf("stand-in language model on http://%s/v1 (its verdicts mean nothing)\n", listener.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{
		Handler:           standinllm.NewHandler(standinllm.Options{Latency: *latency, SlowLatency: *slow}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	_ = server.Close() // hanging answers are part of the service, so nothing is waited for
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listen takes loopback addresses only: the stand-in knows no authentication.
func listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("-addr %q is not host:port, such as 127.0.0.1:11439", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("-addr %q is not a loopback address: use 127.0.0.1, [::1] or localhost", addr)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use: stop what listens there, or choose another -addr", addr)
	}
	return listener, err
}
