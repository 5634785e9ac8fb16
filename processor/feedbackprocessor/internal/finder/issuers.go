package finder

// issuers are the forms of keys, by who issues them. Of prefixes that begin with one another the longer comes first.
// Keys that are meant to be public, such as Stripe's pk_, are not among them.
var issuers = []keyForm{
	// Language models.
	{prefix: "sk-ant-", body: urlSafe, least: 32, most: 255},               // Anthropic
	{prefix: "sk-proj-", body: urlSafe, least: 32, most: 255, mixed: true}, // OpenAI
	{prefix: "sk-svcacct-", body: urlSafe, least: 32, most: 255, mixed: true},
	{prefix: "sk-admin-", body: urlSafe, least: 32, most: 255, mixed: true},
	{prefix: "sk-or-v1-", body: hexadecimal, least: 64, most: 64},     // OpenRouter
	{prefix: "sk-lf-", body: urlSafe, least: 36, most: 36},            // Langfuse
	{prefix: "sk-", body: urlSafe, least: 20, most: 255, mixed: true}, // OpenAI before, and many compatible ones
	{prefix: "gsk_", body: alphanumeric, least: 40, most: 255},        // Groq
	{prefix: "xai-", body: alphanumeric, least: 60, most: 255},        // xAI
	{prefix: "pplx-", body: alphanumeric, least: 40, most: 255},       // Perplexity
	{prefix: "hf_", body: alphanumeric, least: 30, most: 64},          // Hugging Face
	{prefix: "r8_", body: alphanumeric, least: 36, most: 64},          // Replicate
	{prefix: "nvapi-", body: urlSafe, least: 60, most: 255},           // NVIDIA
	{prefix: "lsv2_pt_", body: word, least: 32, most: 64},             // LangSmith
	{prefix: "lsv2_sk_", body: word, least: 32, most: 64},
	{prefix: "pcsk_", body: word, least: 40, most: 255},                // Pinecone
	{prefix: "tvly-", body: urlSafe, least: 28, most: 64, mixed: true}, // Tavily
	// Clouds.
	{prefix: "AKIA", body: base32, least: 16, most: 16}, // AWS
	{prefix: "ASIA", body: base32, least: 16, most: 16},
	{prefix: "AIza", body: urlSafe, least: 35, most: 35}, // Google
	{prefix: "GOCSPX-", body: urlSafe, least: 28, most: 28},
	{prefix: "ya29.", body: dotted, least: 30, most: open},
	{prefix: "AccountKey=", body: base64Standard, least: 80, most: 90}, // Azure Storage
	{prefix: "dop_v1_", body: hexadecimal, least: 64, most: 64},        // DigitalOcean
	{prefix: "dapi", body: hexadecimal, least: 32, most: 32},           // Databricks
	{prefix: "hvs.", body: dotted, least: 24, most: 255},               // Vault
	// Code.
	{prefix: "github_pat_", body: word, least: 40, most: 255}, // GitHub
	{prefix: "ghp_", body: word, least: 36, most: 255},
	{prefix: "gho_", body: word, least: 36, most: 255},
	{prefix: "ghu_", body: word, least: 36, most: 255},
	{prefix: "ghr_", body: word, least: 36, most: 255},
	{prefix: "ghs_", body: dotted, least: 36, most: open},
	{prefix: "glpat-", body: dotted, least: 20, most: 255},     // GitLab
	{prefix: "npm_", body: alphanumeric, least: 36, most: 36},  // npm
	{prefix: "pypi-AgE", body: urlSafe, least: 50, most: open}, // PyPI
	// Messages and payments.
	{prefix: "xoxb-", body: urlSafe, least: 20, most: 255}, // Slack
	{prefix: "xoxp-", body: urlSafe, least: 20, most: 255},
	{prefix: "xoxa-", body: urlSafe, least: 20, most: 255},
	{prefix: "xoxr-", body: urlSafe, least: 20, most: 255},
	{prefix: "xoxs-", body: urlSafe, least: 20, most: 255},
	{prefix: "xoxe-", body: urlSafe, least: 20, most: 255},
	{prefix: "xapp-", body: urlSafe, least: 20, most: 255},
	{prefix: "hooks.slack.com/services/", body: path, least: 30, most: 255},
	{prefix: "SG.", body: dotted, least: 66, most: 66},             // SendGrid
	{prefix: "sk_live_", body: alphanumeric, least: 16, most: 255}, // Stripe
	{prefix: "sk_test_", body: alphanumeric, least: 16, most: 255},
	{prefix: "rk_live_", body: alphanumeric, least: 16, most: 255},
	{prefix: "rk_test_", body: alphanumeric, least: 16, most: 255},
	{prefix: "whsec_", body: base64Standard, least: 32, most: 64},
	{prefix: "shpat_", body: hexadecimal, least: 32, most: 32}, // Shopify
	// Anybody.
	{prefix: "eyJ"}, // a JSON Web Token
}

// keyForms are the issuers by the first byte of their prefix.
var keyForms = func() (forms [256][]keyForm) {
	for _, form := range issuers {
		first := form.prefix[0]
		forms[first] = append(forms[first], form)
	}
	return forms
}()
