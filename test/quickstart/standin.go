package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

// standIn is the stand-in for a language model, served on a loopback port.
type standIn struct {
	url  string
	stop func()
}

func startStandIn() (standIn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return standIn{}, err
	}
	server := &http.Server{Handler: standinllm.NewHandler(standinllm.Options{}), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with ErrServerClosed
	}()
	return standIn{
		url:  fmt.Sprintf("http://%s/v1", listener.Addr()),
		stop: func() { _ = server.Close(); <-done },
	}, nil
}
