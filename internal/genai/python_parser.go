package genai

import (
	"encoding/json"
	"strconv"
	"strings"
)

// python translates one text. Of what was cut, only what is complete is kept: a list without its end is none.
type python struct {
	writer
	text string
	at   int
	cut  bool // the text ended too early
}

// peek returns the next byte that is no space, or 0 at the end. Three dots there stand for what was left out.
func (p *python) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if rest := p.text[p.at:]; rest == "" || rest == "..." || rest == "…" {
		p.cut, p.at = p.cut || rest != "", len(p.text)
		return 0
	}
	return p.text[p.at]
}

// value translates what comes next; false says that it is not Python.
func (p *python) value(depth int) bool {
	const maxDepth = 64
	if p.left--; p.left < 0 || depth > maxDepth || len(p.json) > maxText {
		return false
	}
	switch c := p.peek(); {
	case c == 0:
		p.cut = true
		p.json = append(p.json, "null"...)
	case c == '\'' || c == '"':
		p.literal()
	case c == '{':
		return p.braces(depth)
	case c == '[':
		return p.sequence(']', depth)
	case c == '(':
		return p.sequence(')', depth)
	case c == '<':
		p.object()
	case '0' <= c && c <= '9' || c == '-' || c == '+':
		p.number()
	default:
		return p.named(depth)
	}
	return true
}

func (p *python) literal() {
	value, end := pythonString(p.text, p.at)
	if end == len(p.text) {
		p.cut, p.at = true, end
		p.json = append(p.json, "null"...)
		return
	}
	p.at = end + 1
	p.string(valid(value))
}

func (p *python) number() {
	begin := p.at
	for p.at < len(p.text) && strings.IndexByte("0123456789+-.eExXjJ_abcdfABCDF", p.text[p.at]) >= 0 {
		p.at++
	}
	if text := p.text[begin:p.at]; json.Valid([]byte(text)) {
		p.json = append(p.json, text...)
	} else {
		p.string(text)
	}
}

// items reads what stands between brackets, separated by commas.
func (p *python) items(end byte, item func() bool) bool {
	p.at++
	for {
		switch p.peek() {
		case 0:
			p.cut = true
			return true
		case end:
			p.at++
			return true
		}
		if !item() {
			return false
		}
		switch p.peek() {
		case ',':
			p.at++
		case 0, end:
		default:
			return false
		}
	}
}

func (p *python) sequence(end byte, depth int) bool {
	p.json = append(p.json, '[')
	begin := len(p.json)
	ok := p.items(end, func() bool {
		p.comma(begin)
		return p.value(depth + 1)
	})
	if p.cut {
		p.json = append(p.json[:begin-1], "null"...)
		return ok
	}
	p.json = append(p.json, ']')
	return ok
}

// braces translates a dictionary or a set.
func (p *python) braces(depth int) bool {
	p.json = append(p.json, '{')
	begin, closing := len(p.json), byte('}')
	ok := p.items('}', func() bool {
		p.comma(begin)
		from, key := p.at, len(p.json)
		if !p.value(depth + 1) {
			return false
		}
		if p.peek() != ':' {
			if key == begin && p.at < len(p.text) {
				p.json[begin-1], closing = '[', ']'
			}
			if closing == '}' { // a key whose value is cut off
				p.json = append(p.asKey(from, key), ":null"...)
			}
			return closing == ']' || p.at == len(p.text)
		}
		p.json = append(p.asKey(from, key), ':')
		p.at++
		return closing == '}' && p.value(depth+1)
	})
	p.json = append(p.json, closing)
	return ok
}

// asKey makes a key of what was translated since; JSON has only texts as such.
func (p *python) asKey(from, key int) []byte {
	if p.json[key] != '"' {
		p.json = p.json[:key]
		p.string(valid(strings.TrimSpace(p.text[from:p.at])))
	}
	return p.json
}

func (p *python) comma(begin int) {
	if len(p.json) > begin {
		p.json = append(p.json, ',')
	}
}

// named translates a constant, or an object as its constructor makes it.
func (p *python) named(depth int) bool {
	name := pythonName(p.text[p.at:])
	p.at += len(name)
	switch name {
	case "":
		return false
	case "None", "nan", "inf":
		p.json = append(p.json, "null"...)
		return true
	case "True":
		p.json = append(p.json, "true"...)
		return true
	case "False":
		p.json = append(p.json, "false"...)
		return true
	}
	switch rest := p.text[p.at:]; {
	case rest != "" && rest[0] == '(':
		return p.constructor(name, depth)
	case rest != "" && (rest[0] == '\'' || rest[0] == '"') && len(name) == 1: // a literal with a prefix
		p.literal()
	default:
		p.string(name[strings.LastIndexByte(name, '.')+1:])
	}
	return true
}

// constructor translates an object. Around a single value without a name, the class tells nothing.
func (p *python) constructor(class string, depth int) bool {
	p.json = append(p.json, '{')
	begin, unnamed, only := len(p.json), 0, 0
	ok := p.items(')', func() bool {
		p.comma(begin)
		name, ok := p.memberName()
		if !ok {
			name = strconv.Itoa(unnamed)
			unnamed++
		}
		p.string(name)
		p.json = append(p.json, ':')
		only = len(p.json)
		return p.value(depth + 1)
	})
	if unnamed == 1 && only == begin+len(`"0":`) {
		p.json = append(p.json[:begin-1], p.json[only:]...)
		return ok && depth > 0
	}
	if len(p.json) == begin {
		p.json = append(p.json, '}')
		return ok
	}
	p.class(begin, classOf(class))
	return ok && (depth > 0 || unnamed == 0)
}

// class closes an object. What is called type in the object itself stands before it.
func (p *python) class(begin int, class string) {
	p.comma(begin)
	p.json = append(p.json, `"type":`...)
	p.string(class)
	p.json = append(p.json, '}')
}

// memberName reads the name of a member, which some reprs end with a colon.
func (p *python) memberName() (string, bool) {
	name := pythonName(p.text[p.at:])
	if rest := p.text[p.at+len(name):]; name == "" || rest == "" || rest[0] != '=' && !strings.HasPrefix(rest, ": ") {
		return "", false
	}
	p.at += len(name) + 1
	return name, true
}

// object translates a member of an enumeration to its value. Any other object in angle brackets has none.
func (p *python) object() {
	begin, depth := p.at+1, 0
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '<':
			depth++
		case c == '>' && p.text[p.at-1] != '-':
			depth--
		case c == '\'' || c == '"':
			_, p.at = pythonString(p.text, p.at)
		}
		if depth == 0 {
			break
		}
	}
	if p.at >= len(p.text) {
		p.cut, p.at = true, len(p.text)
		p.json = append(p.json, "null"...)
		return
	}
	name, value, ok := strings.Cut(p.text[begin:p.at], ": ")
	p.at++
	switch {
	case !ok || pythonName(name) != name:
		p.json = append(p.json, "null"...)
		return
	case value != "" && (value[0] == '\'' || value[0] == '"'):
		value, _ = pythonString(value, 0)
	}
	p.string(valid(value))
}

// bare translates the members of a model of Pydantic, separated by spaces. One alone may be any text, unless it is a list.
func (p *python) bare() bool {
	p.json = append(p.json, '{')
	begin, members := len(p.json), 0
	who, list := "", false
	for p.peek() != 0 {
		name, ok := p.memberName()
		if !ok {
			return false
		}
		who, list = langChainRole(who, name, p.text[p.at:]), p.peek() == '['
		p.comma(begin)
		p.string(name)
		p.json = append(p.json, ':')
		if !p.value(1) {
			return false
		}
		members++
	}
	p.class(begin, who)
	return members > 1 || list
}
