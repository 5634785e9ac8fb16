package standinllm

import (
	"encoding/json"
	"net/http"
	"strings"
)

// request is what is read of a request, whichever API it came by.
type request struct {
	api          api
	model        string
	system, user string
	// format is how the answer is asked for, one of the constants below.
	format     string
	schema     map[string]any
	schemaName string
	// newLimit says that the bound of output tokens came under its new name.
	newLimit bool
	// cached says that the system message is marked for the prompt cache.
	cached bool
}

const (
	formatNone   = ""
	formatObject = "json_object"
	formatSchema = "json_schema"
	formatTool   = "tool"
)

// reply is what the model says.
type reply struct {
	text string
	// thinking is what the model thought before, if the API shows it.
	thinking string
	// end is why the answer ends, one of the constants below.
	end string
}

const (
	endStop     = "stop"
	endLength   = "length"
	endFiltered = "content_filter"
	endRefusal  = "refusal"
)

// api is one vendor's form of requests and answers.
type api interface {
	// read reads a request; what is wrong with it is in problem.
	read(header http.Header, body []byte) (parsed *request, problem string)
	// authorized reports whether a request carries the key.
	authorized(header http.Header, key string) bool
	write(w http.ResponseWriter, request *request, call *call, reply reply)
	writeError(w http.ResponseWriter, status int, code, text string)
}

// promptTokens are those of both messages.
func (r *request) promptTokens() int64 { return tokens(r.system) + tokens(r.user) }

// wanted is the schema of the answer: of the request's format, else the last JSON object in the system message.
func (r *request) wanted() map[string]any {
	if r.schema != nil {
		return r.schema
	}
	if start := strings.LastIndex(r.system, "\n{"); start >= 0 {
		var schema map[string]any
		if json.Unmarshal([]byte(r.system[start:]), &schema) == nil {
			return schema
		}
	}
	return nil
}

// tokens counts as a rule of thumb does: four bytes each.
func tokens(text string) int64 { return int64(len(text)+3) / 4 }
