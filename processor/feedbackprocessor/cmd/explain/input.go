package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// request is one JSON value of a file: a request of either signal, or a recording of many.
type request struct {
	ResourceSpans json.RawMessage   `json:"resourceSpans"`
	ResourceLogs  json.RawMessage   `json:"resourceLogs"`
	Traces        []json.RawMessage `json:"traces"`
	Logs          []json.RawMessage `json:"logs"`
}

// readFile reads all requests of a file, in order.
func readFile(name string, stdin io.Reader) (ptrace.Traces, plog.Logs, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the user names it
		if err != nil {
			return ptrace.Traces{}, plog.Logs{}, err
		}
		defer file.Close()
		in = file
	}
	traces, logs, err := readRequests(in)
	if err != nil {
		return traces, logs, fmt.Errorf("%s: %w", name, err)
	}
	return traces, logs, nil
}

func readRequests(in io.Reader) (traces ptrace.Traces, logs plog.Logs, err error) {
	traces, logs = ptrace.NewTraces(), plog.NewLogs()
	decoder := json.NewDecoder(in)
	for number := 1; ; number++ {
		var raw json.RawMessage
		switch err := decoder.Decode(&raw); {
		case errors.Is(err, io.EOF) && number == 1:
			return traces, logs, errors.New("it is empty: give OTLP JSON")
		case errors.Is(err, io.EOF):
			return traces, logs, nil
		case err != nil:
			return traces, logs, fmt.Errorf("value %d is no JSON: %w", number, err)
		}
		if err := readRequest(raw, traces, logs); err != nil {
			return traces, logs, fmt.Errorf("value %d: %w", number, err)
		}
	}
}

func readRequest(raw json.RawMessage, traces ptrace.Traces, logs plog.Logs) error {
	var one request
	if err := json.Unmarshal(raw, &one); err != nil {
		return fmt.Errorf(`it is neither an OTLP request nor {"traces": […], "logs": […]}: %w`, err)
	}
	known := false
	if one.ResourceSpans != nil {
		known, one.Traces = true, append([]json.RawMessage{raw}, one.Traces...)
	}
	if one.ResourceLogs != nil {
		known, one.Logs = true, append([]json.RawMessage{raw}, one.Logs...)
	}
	if !known && one.Traces == nil && one.Logs == nil {
		return errors.New(`it has neither resourceSpans, resourceLogs, traces nor logs: give OTLP JSON`)
	}
	for n, part := range one.Traces {
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(part)
		if err != nil {
			return fmt.Errorf("traces request %d: %w", n+1, err)
		}
		td.ResourceSpans().MoveAndAppendTo(traces.ResourceSpans())
	}
	for n, part := range one.Logs {
		ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(part)
		if err != nil {
			return fmt.Errorf("logs request %d: %w", n+1, err)
		}
		ld.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	}
	return nil
}
