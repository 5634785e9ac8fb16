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
func (t turns) input(wantSystem bool) input {
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
			if instructed = true; !wantSystem {
				continue
			}
			m := t.read(n, body, who)
			m.addText(system.text)
			m.blank = m.blank || system.blank
			system = m
		case roleUser, roleNone, roleTool:
			if asked {
				continue
			}
			m := t.read(n, body, who)
			in.results = append(in.results, m.results...)
			if r := said(m); r.state != "" {
				in.question, asked = r, true
			}
		}
	}
	// An agent or a template may be started by instructions alone.
	replaced := !asked && !users && instructed
	if replaced && !wantSystem {
		return t.input(true)
	}
	slices.Reverse(in.results)
	in.system = said(system)
	if replaced {
		in.question = in.system
	}
	return in
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
