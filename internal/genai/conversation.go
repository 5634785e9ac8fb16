package genai

import (
	"slices"

	"github.com/valyala/fastjson"
)

// turns is a conversation of which a message is read only when it is needed. It is held as JSON or as indexed
// attributes, convention by convention.
type turns struct {
	json []*fastjson.Value
	flat *indexed
}

func (t turns) count() int {
	if t.flat != nil {
		return len(t.flat.starts)
	}
	return len(t.json)
}

// open tells who wrote a message, and where its content is, without reading it.
func (t turns) open(n int) (*fastjson.Value, role) {
	if t.flat != nil {
		return nil, t.flat.role(n)
	}
	return open(t.json[n])
}

// read reads a message that was opened.
func (t turns) read(n int, body *fastjson.Value, who role) message {
	if t.flat != nil {
		return t.flat.message(n)
	}
	return readMessage(body, who)
}

// input finds the last thing that the user said, in one pass from the end. A message of the role user that carries
// only the results of tools is passed over: the user wrote none of it. Instructions, which some producers keep among
// the messages, are joined if they are wanted.
func (t turns) input(wanted want) input {
	var (
		in                       input
		system                   message
		asked, users, instructed bool
	)
	for n := t.count() - 1; n >= 0; n-- {
		body, who := t.open(n)
		users = users || who == roleUser
		switch who {
		case roleSystem:
			if instructed = true; !wanted.wants(wantSystem) {
				continue
			}
			m := t.read(n, body, who)
			m.addText(system.text)
			m.blank = m.blank || system.blank
			system = m
		case roleUser, roleNone, roleTool:
			if asked {
				if wanted.wants(wantHistory) {
					in.history = append(in.history, turnOf(t.read(n, body, who), who))
				}
				continue
			}
			m := t.read(n, body, who)
			in.results = append(in.results, m.results...)
			if r := said(m); r.state != "" && who != roleTool {
				in.question, asked = r, true
			}
		default:
			if asked && wanted.wants(wantHistory) {
				in.history = append(in.history, turnOf(t.read(n, body, who), who))
			}
		}
	}
	// An agent or a template may be started by instructions alone.
	replaced := !asked && !users && instructed
	if replaced && !wanted.wants(wantSystem) {
		return t.input(wanted | wantSystem)
	}
	slices.Reverse(in.results)
	slices.Reverse(in.history)
	in.system = said(system)
	if replaced {
		in.question = in.system
	}
	return in
}

// turnOf renders a message for the history: its text, else the names of the tools that it calls, else what they gave.
func turnOf(m message, who role) Turn {
	turn := Turn{Role: who.String(), Text: m.text}
	for _, call := range m.calls {
		if turn.Text != "" {
			turn.Text += "\n"
		}
		turn.Text += "[" + call.Name + " " + call.Arguments + "]"
	}
	for _, result := range m.results {
		if turn.Text != "" {
			turn.Text += "\n"
		}
		turn.Text += result.Text
	}
	return turn
}

// said is the text of a message of the input, or why it has none; results of tools are nothing said.
func said(m message) reading {
	if r := read(m.text, inInput); r.state != "" {
		return r
	}
	switch {
	case m.media:
		return reading{state: StateMedia}
	case m.blank:
		return reading{state: StateNotCaptured}
	}
	return reading{}
}

// output picks the answer. The messages of a model are choices, of which the first that says anything counts; those
// of an agent are steps, of which the last text is the answer.
func (t turns) output(kind Kind) output {
	if t.count() == 0 {
		return output{}
	}
	var chosen message
	if kind == KindAgent || kind == KindChain {
		chosen = t.lastStep()
	} else {
		chosen = t.firstChoice()
	}
	return answered(chosen)
}

func (t turns) firstChoice() message {
	var chosen message
	for n := range t.count() {
		body, who := t.open(n)
		if who == roleUser || who == roleSystem || who == roleTool {
			continue
		}
		if n+1 < len(t.json) {
			if m, ok := t.pieces(n); ok {
				return m
			}
		}
		m := t.read(n, body, who)
		if n == 0 || chosen.hollow() {
			chosen = m
		}
		if !chosen.hollow() {
			break
		}
	}
	return chosen
}

// pieces puts an answer together that was written down as it streamed: one message a piece, of which only the last one
// tells why the model stopped.
func (t turns) pieces(from int) (all message, ok bool) {
	for n := from; n < len(t.json); n++ {
		body, who := open(t.json[n])
		finish := body.Get("finish_reason")
		if finish == nil || finish.Type() != fastjson.TypeString || n == from && len(finish.GetStringBytes()) > 0 {
			return message{}, false
		}
		m := readMessage(body, who)
		if isRedacted(m.text, inOutput) {
			all.text = ""
		}
		all.role, all.text, all.finish = who, all.text+m.text, m.finish
		all.calls = append(all.calls, m.calls...)
		all.media, all.blank, all.empty = all.media || m.media, all.blank || m.blank, all.empty || m.empty
		if m.finish != "" {
			return all, true
		}
	}
	return message{}, false
}

func (t turns) lastStep() message {
	var chosen message
	for n := t.count() - 1; n >= 0; n-- {
		body, who := t.open(n)
		if who == roleUser || who == roleSystem || who == roleTool {
			continue
		}
		m := t.read(n, body, who)
		if m.text != "" {
			return m
		}
		if chosen.hollow() {
			chosen = m
		}
	}
	return chosen
}

// answered is what a message of the output is worth.
func answered(m message) output {
	out := output{answer: read(m.text, inOutput), empty: m.empty, calls: m.calls, finish: m.finish}
	if m.finish == "content_filter" && isRedacted(m.text, inInput) {
		out.answer = reading{state: StateRedacted}
	}
	if out.answer.state != "" {
		return out
	}
	switch {
	case len(m.calls) > 0:
		out.answer.state = StateToolCallOnly
	case m.media:
		out.answer.state = StateMedia
	case m.blank:
		out.answer.state = StateNotCaptured
	default:
		out.answer.state = stateEmpty
	}
	return out
}
