package access

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

const (
	// recheck is how long a finding holds before MLflow is asked again.
	recheck = 5 * time.Minute
	// recheckDown is the same while MLflow does not say.
	recheckDown = 30 * time.Second
	// patience is how often MLflow is asked while nothing is known, and how often at most because of a doubt.
	patience = time.Second

	memoryTimeout = 3 * time.Second
)

// Memory keeps what was found out last, so that a start while MLflow is down knows it.
type Memory interface {
	// Load is empty when nothing was saved.
	Load(ctx context.Context) (string, error)
	Save(ctx context.Context, found string) error
}

// finding is which authorization holds where the configuration leaves it open.
type finding struct {
	upstream *mlflow.Client
	memory   Memory
	logger   *zap.Logger
	now      func() time.Time
	flight   singleflight.Group
	warned   sync.Once

	mu    sync.Mutex
	found Authorization
	asked time.Time
	due   time.Time
}

// current finds out when it is time. While one request does that, the others go by what is known.
func (f *finding) current(ctx context.Context) (Authorization, error) {
	f.mu.Lock()
	now, found := f.now(), f.found
	due := !now.Before(f.due)
	if due && found != AuthorizationAuto {
		f.due = now.Add(recheckDown)
	}
	f.mu.Unlock()
	if due {
		_, _, _ = f.flight.Do("", func() (any, error) {
			f.ask(ctx)
			return nil, nil
		})
		f.mu.Lock()
		found = f.found
		f.mu.Unlock()
	}
	if found == AuthorizationAuto {
		return found, answer.Unavailable("MLflow has not yet said whether it has authentication, and does not answer now", retryAfter)
	}
	return found, nil
}

// doubt is that MLflow may have got authentication since it was asked.
func (f *finding) doubt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.found == AuthorizationEndpoint && f.now().Sub(f.asked) >= patience {
		f.due = time.Time{}
	}
}

func (f *finding) ask(ctx context.Context) {
	// What is found is everybody's, so that it does not end with the request that came first.
	ctx = context.WithoutCancel(ctx)
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	open, err := f.upstream.Open(asking)
	remembering, cancel := context.WithTimeout(ctx, memoryTimeout)
	defer cancel()
	if err != nil {
		f.recall(remembering)
		return
	}
	found := AuthorizationMLflow
	if open {
		found = AuthorizationEndpoint
	}
	f.mu.Lock()
	before := f.found
	f.found, f.asked = found, f.now()
	f.due = f.asked.Add(recheck)
	f.mu.Unlock()
	if found == before {
		return
	}
	f.tell(found)
	if err := f.memory.Save(remembering, string(found)); err != nil {
		f.logger.Warn("What MLflow has of authentication could not be kept for the next start", zap.Error(err))
	}
}

// recall goes on with what was found last, here or before the start.
func (f *finding) recall(ctx context.Context) {
	f.mu.Lock()
	found := f.found
	f.mu.Unlock()
	if found == AuthorizationAuto {
		saved, err := f.memory.Load(ctx)
		switch found = Authorization(saved); found {
		case AuthorizationMLflow, AuthorizationEndpoint:
			f.tell(found)
		default:
			found = AuthorizationAuto
			f.warned.Do(func() {
				f.logger.Warn("MLflow does not answer and has never said whether it has authentication: "+
					"nobody may do anything until it does", zap.Error(err))
			})
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found, f.asked = found, f.now()
	f.due = f.asked.Add(recheckDown)
	if found == AuthorizationAuto {
		f.due = f.asked.Add(patience)
	}
}

func (f *finding) tell(found Authorization) {
	if found == AuthorizationEndpoint {
		f.logger.Warn("MLflow has no authentication, so everybody who reaches this endpoint may read and change everything; " +
			"say `authorization: endpoint` if that is meant, or `authorization: mlflow` if not")
		return
	}
	f.logger.Info("MLflow has authentication, so it is asked what each caller may do")
}
