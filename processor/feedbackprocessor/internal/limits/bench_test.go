package limits

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// benchReplica has limits in all three scopes that are never reached.
func benchReplica(b *testing.B, addr string) replica {
	b.Helper()
	wide := Config{CallsPerMinute: maxCalls, TokensPerDay: maxTokens, USDPerDay: maxUSD}
	set := unlimited()
	set.Logger = zap.NewNop()
	set.Config.Burst = false
	set.Config.Limits, set.Judges[0].Limits, set.Judges[0].Rules[1].Limits = wide, wide, wide
	if addr != "" {
		config := store.NewDefaultConfig()
		config.Endpoints = []string{addr}
		set.Config.Redis = configoptional.Some(config)
	}
	return open(b, set)
}

func BenchmarkAdmit(b *testing.B) {
	r := benchReplica(b, "")
	_, verdict := r.rest.Reserve(context.Background(), call)
	require.Equal(b, admitted, verdict)
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.rest.Admit(call)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r.rest.Admit(call)
			}
		})
	})
	b.Run("refused", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.rest.Admit(Need{Tokens: maxTokens})
		}
	})
}

func BenchmarkReserve(b *testing.B) {
	for name, start := range map[string]func(b *testing.B) string{
		"memory": func(*testing.B) string { return "" },
		"redis":  func(b *testing.B) string { b.Helper(); return startRedis(b) },
	} {
		b.Run(name, func(b *testing.B) {
			r := benchReplica(b, start(b))
			b.Run("alone", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, verdict := r.rest.Reserve(b.Context(), call)
					if verdict.Outcome != Admitted {
						b.Fatal(verdict)
					}
				}
			})
			b.Run("settled", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					reservation, verdict := r.rest.Reserve(b.Context(), call)
					if verdict.Outcome != Admitted {
						b.Fatal(verdict)
					}
					if err := reservation.Settle(b.Context(), 50, 0.0005); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("parallel", func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(4)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						_, verdict := r.rest.Reserve(context.Background(), call)
						if verdict.Outcome != Admitted {
							b.Error(verdict)
						}
					}
				})
			})
		})
	}
}
