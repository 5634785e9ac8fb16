package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, answer string
		found        string // nothing: no refusal
	}{
		{"plain", "I can't help with that.", "['i can't help with']"},
		{"with an apology", "I'm sorry, but I can't assist with that request.", "['i can't assist']"},
		{"typographic apostrophes", "I’m sorry, I can’t help you with that.", "['i can't help you']"},
		{"upper case", "I CANNOT COMPLY", "['i cannot comply']"},
		{"behind white space and marks", "\n\n> **I cannot** fulfill", ""},
		{"second sentence", "Thank you for asking. Unfortunately, I am unable to provide medical advice.", "['i am unable to provide']"},
		{"phrase without continuation", "I must decline.", "['i must decline']"},
		{"German", "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.", "['ich kann ihnen dabei nicht']"},
		{"French", "Je suis désolé, mais je ne peux pas vous aider à ce sujet.", "['je ne peux pas vous aider']"},
		{"Spanish", "Lo siento, pero no puedo ayudarte con eso.", "['no puedo ayudar']"},
		{"Portuguese", "Sinto muito, mas não posso ajudar com isso.", "['não posso ajudar']"},
		{"Italian", "Mi dispiace, ma non posso aiutarti.", "['non posso aiutar']"},
		{"Dutch", "Sorry, daar kan ik je niet mee helpen.", "['kan ik je niet mee helpen']"},
		{"Polish", "Przepraszam, nie mogę pomóc w tej sprawie.", "['nie mogę pomóc']"},
		{"Russian", "Извините, я не могу помочь с этим.", "['не могу помочь']"},
		{"Turkish", "Üzgünüm, bu konuda yardımcı olamam.", "['yardımcı olamam']"},
		{"Arabic", "عذرًا، لا أستطيع مساعدتك في ذلك.", "['لا أستطيع مساعدتك']"},
		{"Chinese", "抱歉，我无法协助处理该请求。", "['我无法 协助']"},
		{"Japanese", "申し訳ありませんが、そのご依頼にはお手伝いできません。", "['お手伝いできません']"},
		{"Korean", "죄송하지만 그 요청은 도와드릴 수 없습니다.", "['도와드릴 수 없습니다']"},

		{"an answer", "The capital of France is Paris.", ""},
		{"empty", "", ""},
		{"help it", "I can't help but smile at that.", ""},
		{"praise", "I cannot recommend this enough.", ""},
		{"a failure", "I can't write to /tmp: permission denied", ""},
		{"not found", "I was unable to find order 12.", ""},
		{"part of a word", "Hawaii can't help with that: wifi cannot help you", ""},
		{"far behind", strings.Repeat("word ", 50) + "I can't help with that.", ""},
		{"far behind in another script", strings.Repeat("字", 200) + "我无法协助", ""},
		{"German answer", "Ich kann Ihnen dabei helfen.", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCheck(t, `{refusal: {}, expect: false, explain: "{{.Found}}"}`)
			result := evaluate(t, c, answer(test.answer))
			want := strings.ReplaceAll(test.found, "can't", "CANT")
			got := strings.ReplaceAll(strings.ReplaceAll(result.Rationale, `"`, "'"), "can't", "CANT")
			assert.Equal(t, want, got)
		})
	}
}

func TestRefusalKeys(t *testing.T) {
	t.Parallel()
	c := newCheck(t, `{refusal: {phrases: [" Computer says NO "], within: 10}, explain_passed: "{{.Found}}"}`)
	assert.Equal(t, "['computer says no']", evaluate(t, c, answer("Sorry, Computer says no.")).Rationale)
	assert.Empty(t, evaluate(t, c, answer("Sorry, so sorry, computer says no.")).Rationale)
	assert.Equal(t, "['i cannot assist']", evaluate(t, c, answer("123456789I cannot assist.")).Rationale, "a digit is no letter")
	assert.Empty(t, evaluate(t, c, answer("1234567890I cannot assist.")).Rationale)
}
