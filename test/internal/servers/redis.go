package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
)

// Redis is a real redis-server, or a Sentinel, on a loopback port.
type Redis struct {
	*process.Process
	Address string
	port    int
	dir     string
	args    []string
}

// StartRedis starts a redis-server whose data and log are kept in dir, with further settings. Port 0 takes a free one.
func StartRedis(ctx context.Context, dir string, port int, args ...string) (*Redis, error) {
	if port == 0 {
		var err error
		if port, err = process.FreePort(); err != nil {
			return nil, err
		}
	}
	// With an append-only file: a kill in a test must not lose what was acknowledged.
	return startRedis(ctx, dir, port, append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "yes",
	}, args...))
}

// StartSentinel starts a Redis Sentinel that watches a master under the name; its one voice is enough for a failover.
func StartSentinel(ctx context.Context, dir, name, master string) (*Redis, error) {
	host, masterPort, err := net.SplitHostPort(master)
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("port %[4]d\nbind 127.0.0.1\nsentinel monitor %[1]s %[2]s %[3]s 1\n"+
		"sentinel down-after-milliseconds %[1]s 1000\nsentinel failover-timeout %[1]s 5000\n", name, host, masterPort, port)
	path := filepath.Join(dir, "sentinel.conf") // Sentinel writes what it learns into it
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return startRedis(ctx, dir, port, []string{path, "--sentinel"})
}

func startRedis(ctx context.Context, dir string, port int, args []string) (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	child, err := process.Start(process.Spec{
		Name: "redis-server",
		Path: path,
		Args: args,
		Log:  filepath.Join(dir, "redis.log"),
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
	return &Redis{Process: child, Address: address, port: port, dir: dir, args: args}, nil
}

// Restart starts a killed or stopped server again, on the same port and data.
func (r *Redis) Restart(ctx context.Context) error {
	again, err := startRedis(ctx, r.dir, r.port, r.args)
	if err != nil {
		return err
	}
	r.Process = again.Process
	return nil
}
