package records

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestAuthor(t *testing.T) {
	t.Parallel()
	ann := access.Caller{Name: "ann", Door: access.DoorUI}
	trusted := access.Caller{Name: "bot", Trusted: true}
	human, code := assessment.SourceTypeHuman, assessment.SourceTypeCode
	stale := map[string]string{MetadataClaimedSource: "old", "k": "v"}
	tests := []struct {
		name         string
		caller       access.Caller
		source       assessment.Source
		metadata     map[string]string
		wantID       string
		wantAuthor   string
		wantMetadata map[string]string
	}{
		{"nobody is known", access.Caller{}, assessment.Source{Type: human, ID: "eve"}, nil, "eve", "eve", nil},
		{"nobody is known, a program's", access.Caller{}, assessment.Source{Type: code, ID: "c"}, nil, "c", "", nil},
		{"another's name", ann, assessment.Source{Type: human, ID: "eve"}, nil, "ann", "ann", map[string]string{MetadataClaimedSource: "eve"}},
		{"own name", ann, assessment.Source{Type: human, ID: "ann"}, nil, "ann", "ann", nil},
		{"the page's", ann, assessment.Source{Type: human, ID: "User"}, stale, "ann", "ann", map[string]string{"k": "v"}},
		{"the client's", ann, assessment.Source{Type: human, ID: "default"}, nil, "ann", "ann", nil},
		{"none", ann, assessment.Source{Type: human}, nil, "ann", "ann", nil},
		{"a type that MLflow does not know", ann, assessment.Source{Type: assessment.SourceTypeUnspecified, ID: "eve"}, nil, "ann", "ann", map[string]string{MetadataClaimedSource: "eve"}},
		{"a program's", ann, assessment.Source{Type: code, ID: "c"}, stale, "c", "ann", stale},
		{"trusted", trusted, assessment.Source{Type: human, ID: "eve"}, nil, "eve", "bot", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			a := opinion("a-1", "true")
			a.Source, a.Metadata = tt.source, tt.metadata
			_, err := f.Create(as(t, tt.caller), trace, a)
			require.NoError(t, err)
			kept := f.record(t, "a-1")
			assert.Equal(t, tt.source.Type, kept.Source.Type)
			assert.Equal(t, tt.wantID, kept.Source.ID)
			assert.Equal(t, tt.wantAuthor, kept.Author)
			assert.Equal(t, tt.wantMetadata, kept.Metadata)
		})
	}
}

func TestWhoMayChange(t *testing.T) {
	t.Parallel()
	const denied = "This assessment is another person's; override it with one of your own instead of changing it"
	human, judge := assessment.SourceTypeHuman, assessment.SourceTypeLLMJudge
	ann := access.Caller{Name: "ann", Door: access.DoorUI}
	tests := []struct {
		name    string
		caller  access.Caller
		source  assessment.Source
		refused bool
	}{
		{"another person's", ann, assessment.Source{Type: human, ID: "eve"}, true},
		{"own", ann, assessment.Source{Type: human, ID: "ann"}, false},
		{"nobody's", ann, assessment.Source{Type: human, ID: "User"}, false},
		{"a judge's", ann, assessment.Source{Type: judge, ID: "eve"}, false},
		{"trusted", access.Caller{Name: "bot", Trusted: true}, assessment.Source{Type: human, ID: "eve"}, false},
		{"admin", access.Caller{Name: "root", Admin: true}, assessment.Source{Type: human, ID: "eve"}, false},
		{"nobody is known", access.Caller{}, assessment.Source{Type: human, ID: "eve"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			a := opinion("a-1", "true")
			a.Source = tt.source
			f.create(t, a)
			ctx := as(t, tt.caller)
			_, err := f.Update(ctx, trace, "a-1", Patch{Rationale: new("changed")})
			kept := f.record(t, "a-1")
			assert.Equal(t, tt.source, kept.Source, "never changes")
			if tt.refused {
				requireRefused(t, err, 403, answer.CodePermissionDenied, denied)
				assert.Equal(t, "because", kept.Rationale)
			} else {
				require.NoError(t, err)
				assert.Equal(t, "changed", kept.Rationale)
			}
			require.NoError(t, f.Delete(ctx, trace, "a-1"), "anybody may delete")
			kept = f.record(t, "a-1")
			last := kept.History[len(kept.History)-1]
			by := tt.caller.Name
			if by == "" {
				by = tt.source.ID
			}
			assert.Equal(t, by, kept.Author)
			assert.Equal(t, by, last.Author)
			if tt.caller.Door == access.DoorUI {
				assert.Equal(t, "ui", last.Door)
			} else {
				assert.Equal(t, "api", last.Door)
			}
		})
	}
}

func TestOverrideNamesItsAuthor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.create(t, opinion("a-1", "true"))
	_, err := f.Create(as(t, access.Caller{Name: "ann"}), trace, overriding("a-2", "a-1"))
	require.NoError(t, err)
	assert.Equal(t, "ann", f.record(t, "a-1").History[0].Author)
	assert.Equal(t, "eve", f.record(t, "a-1").Source.ID)
}

func TestVisible(t *testing.T) {
	t.Parallel()
	withdrawn := store.Record{Backends: map[string]store.Delivery{testBackend: {State: store.DeliveryWithdrawn}}}
	assert.True(t, Visible(&store.Record{}, testBackend))
	assert.True(t, Visible(&withdrawn, "another"))
	assert.False(t, Visible(&withdrawn, testBackend))
	assert.False(t, Visible(&store.Record{Deleted: redisTime}, testBackend))
}
