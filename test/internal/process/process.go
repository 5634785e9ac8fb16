// Package process runs the servers of the quickstart and of the end-to-end tests as children that never outlive
// whoever started them. Each child has a process group of its own, so that its workers end with it.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Spec says what to run.
type Spec struct {
	// Name is for messages.
	Name string
	Path string
	Args []string
	// Env is added to the environment of this process.
	Env []string
	// Log is the file that takes what the child prints; its folder is made. An earlier run's content is kept.
	Log string
}

// Process is a running or ended child.
type Process struct {
	spec   Spec
	cmd    *exec.Cmd
	offset int64
	done   chan struct{}
	err    error
}

// Start starts the child.
func Start(spec Spec) (*Process, error) {
	if err := os.MkdirAll(filepath.Dir(spec.Log), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx // ended by Stop, which gives it time
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, cmd: cmd, offset: info.Size(), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ready waits until probe succeeds. It fails when the child ends first or ctx does, with the child's own words.
func (p *Process) Ready(ctx context.Context, probe func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w\n%s", p.spec.Name, orExited(p.err), p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (%w)\n%s", p.spec.Name, err, ctx.Err(), p.Output())
		case <-tick.C:
		}
	}
}

// Stop asks the child to end, and kills it where it does not within the time given. It returns how long that took.
func (p *Process) Stop(patience time.Duration) (time.Duration, error) {
	start := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, fmt.Errorf("stop %s: %w", p.spec.Name, err)
	}
	select {
	case <-p.done:
		p.Kill() // workers it left behind
		return time.Since(start), nil
	case <-time.After(patience):
		p.Kill()
		return time.Since(start), fmt.Errorf("%s did not end within %s\n%s", p.spec.Name, patience, p.Output())
	}
}

// Kill ends the child and its workers at once, as a crash would, and waits for it.
func (p *Process) Kill() {
	killGroup(p.PID())
	<-p.done
}

// CPU is the time on a processor that the child used; it is known once the child has ended.
func (p *Process) CPU() time.Duration {
	<-p.done
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// Output is the end of what the child has printed since it started.
func (p *Process) Output() string {
	const limit = 8 << 10
	text, err := os.ReadFile(p.spec.Log)
	if err != nil {
		return err.Error()
	}
	text = text[min(p.offset, int64(len(text))):]
	text = text[max(0, len(text)-limit):]
	return string(bytes.TrimSpace(text))
}

func orExited(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
