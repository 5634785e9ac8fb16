package main

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunRefuses(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, tt := range []struct {
		name, addr, want string
	}{
		{name: "other than loopback", addr: "0.0.0.0:0", want: `-addr "0.0.0.0:0" is not a loopback address: use 127.0.0.1, [::1] or localhost`},
		{name: "all interfaces", addr: ":0", want: "is not a loopback address"},
		{name: "no port", addr: "localhost", want: `-addr "localhost" is not host:port`},
		{name: "port in use", addr: taken.Addr().String(), want: "is in use: stop what listens there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, run([]string{"-addr", tt.addr}), tt.want)
		})
	}
	require.ErrorContains(t, run([]string{"-nonsense"}), "-h lists the flags")
}
