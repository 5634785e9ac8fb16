package genai

// turns is a conversation of which each message is read only when it is needed. Convention by convention it comes
// from JSON or from indexed attributes.
type turns struct {
	count int
	role  func(n int) role
	read  func(n int) message
}

// input finds the last thing that the user said. A message of the role user that carries only the results of
// tools is passed over: the user wrote none of it.
func (t turns) input() input {
	var in input
	asked := -1
	for n := t.count - 1; n >= 0 && asked < 0; n-- {
		switch t.role(n) {
		case roleTool:
			m := t.read(n)
			in.results = append(in.results, m.results...)
		case roleUser, roleNone:
			m := t.read(n)
			in.results = append(in.results, m.results...)
			if r := said(m); r.state != "" {
				in.question, asked = r, n
			}
		}
	}
	in.system = t.system()
	if asked < 0 && in.system.state == StateText && !t.hasUser() {
		in.question = in.system // an agent or a template that is started by instructions alone
	}
	for l, r := 0, len(in.results)-1; l < r; l, r = l+1, r-1 {
		in.results[l], in.results[r] = in.results[r], in.results[l]
	}
	return in
}

func (t turns) hasUser() bool {
	for n := range t.count {
		if t.role(n) == roleUser {
			return true
		}
	}
	return false
}

// system joins the instructions, which some producers keep among the messages.
func (t turns) system() reading {
	var all message
	for n := range t.count {
		if t.role(n) != roleSystem {
			continue
		}
		m := t.read(n)
		all.addText(m.text)
		all.blank = all.blank || m.blank
	}
	return said(all)
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
	if t.count == 0 {
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
	for n := range t.count {
		if who := t.role(n); who == roleUser || who == roleSystem || who == roleTool {
			continue
		}
		m := t.read(n)
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
	for n := t.count - 1; n >= 0; n-- {
		if who := t.role(n); who == roleUser || who == roleSystem || who == roleTool {
			continue
		}
		m := t.read(n)
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
	out := output{answer: read(m.text, inOutput), calls: m.calls, finish: m.finish}
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
