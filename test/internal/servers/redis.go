package servers

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
)

// Redis is a real redis-server without persistence, on a loopback port.
type Redis struct {
	*process.Process
	Address string
	port    int
	dir     string
}

// StartRedis starts a redis-server whose log is kept in dir. Port 0 takes a free one.
func StartRedis(ctx context.Context, dir string, port int) (*Redis, error) {
	if port == 0 {
		var err error
		if port, err = process.FreePort(); err != nil {
			return nil, err
		}
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	child, err := process.Start(process.Spec{
		Name: "redis-server",
		Path: path,
		// With an append-only file: a kill in a test must not lose what was acknowledged.
		Args: []string{
			"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "yes",
		},
		Log: filepath.Join(dir, "redis.log"),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	address := process.Loopback(port)
	if err := child.Ready(ctx, process.Listening(address)); err != nil {
		child.Kill()
		return nil, err
	}
	return &Redis{Process: child, Address: address, port: port, dir: dir}, nil
}

// Restart starts a killed or stopped server again, on the same port and data.
func (r *Redis) Restart(ctx context.Context) error {
	again, err := StartRedis(ctx, r.dir, r.port)
	if err != nil {
		return err
	}
	r.Process = again.Process
	return nil
}
