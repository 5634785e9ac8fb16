package genai

import (
	"strings"

	"github.com/valyala/fastjson"
)

// flatDocuments reads OpenInference's flattened documents.
func flatDocuments(s source, prefix string) []Document {
	list := collect(s.span.Attributes(), prefix, indexed{})
	var documents []Document
	for n := range list.starts {
		var document Document
		for _, f := range list.group(n) {
			switch f.name {
			case "document.id":
				document.ID = f.value
			case "document.content":
				document.Text = f.value
			}
		}
		if !blank(document.Text) {
			documents = append(documents, document)
		}
	}
	return documents
}

// documentsIn finds the documents in what a retriever gave back.
func documentsIn(text string) []Document {
	var documents []Document
	parse(text, func(value *fastjson.Value) { documents = readDocuments(value) })
	return documents
}

func readDocuments(value *fastjson.Value) []Document {
	if value.GetObject() != nil {
		value = first(value, "documents", "outputs", "output", "results", "source_documents", "matches")
	}
	var documents []Document
	for _, item := range value.GetArray() {
		if document := readDocument(item); !blank(document.Text) {
			documents = append(documents, document)
		}
	}
	return documents
}

func readDocument(item *fastjson.Value) Document {
	if item == nil {
		return Document{}
	}
	if item = pythonValue(item); item.Type() == fastjson.TypeString {
		text := jsonText(item)
		if strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">") { // the repr of a Python object
			return Document{}
		}
		return Document{Text: text}
	}
	for _, wrap := range [...]string{"kwargs", "document", "node"} {
		if body := item.Get(wrap); body != nil && body.Type() == fastjson.TypeObject {
			item = body
		}
	}
	content := first(item, "page_content", "pageContent", "content", "text", "document")
	document := Document{ID: jsonText(first(item, "id", "id_", "document_id")), Text: jsonText(content)}
	if content.GetArray() != nil { // parts, of Genkit
		var m message
		m.readContentValue(content)
		document.Text = m.text
	}
	return document
}
