package genai

import (
	"strings"

	"github.com/valyala/fastjson"
)

// crewTask finds what a crew of CrewAI, or one of its agents, was told to do. OpenInference has it in what they gave
// back, and that of a crew in an attribute as well, where a task may be but a blank to fill in; the input of an agent is only how
// it is made up. A crew that has an input is asked by that.
func (s source) crewTask() (in input, ok bool) {
	_, agent := s.get("task_key")
	tasks := s.str("crew_tasks")
	if !agent && (tasks == "" || s.str("input.value") != "") {
		return input{}, false
	}
	var all message
	descriptions := func(value *fastjson.Value) {
		for _, task := range value.GetArray() {
			text := jsonText(task.Get("description"))
			if blank := strings.HasPrefix(text, "{") && strings.IndexByte(text, '}') == len(text)-1; !blank {
				all.addText(text)
			}
		}
	}
	parse(s.str("output.value"), func(value *fastjson.Value) {
		all.addText(jsonText(value.Get("description")))
		descriptions(value.Get("tasks_output"))
	})
	if all.text == "" && !agent {
		parse(tasks, descriptions)
	}
	in.question = read(all.text, inInput)
	return in, in.question.known()
}
