# agent: a Messages request as a coding agent sends it, about 300 KB: a system
# prompt, 60 tools with schemas, and a conversation of calls and results.
# Needs $model.
def prose(words): "the quick brown fox jumps over the lazy dog " * words;

def code(place):
	[range(44) | "\tif (row->name == \"field_\(. + place)\")\n" +
		"\t\treturn read_field(row, \(.), \"C:\\\\tmp\\\\row\");\n"] | add;

def kinds: [
	{ type: "string", description: prose(2) },
	{ type: "integer", minimum: 0, maximum: 100000, description: prose(1) },
	{ type: "string", enum: ["content", "files_with_matches", "count"] },
	{ type: "array", items: { type: "string" }, description: prose(1) },
	{ type: "boolean", description: prose(2), default: false },
	{ type: "object", properties: { path: { type: "string" },
		lines: { type: "array", items: { type: "integer" } } } }
];

def schema(tool): {
	"$schema": "http://json-schema.org/draft-07/schema#",
	type: "object",
	properties: ([range(6) | { key: "argument_\(.)",
		value: kinds[(. + tool) % 6] }] | from_entries),
	required: ["argument_0", "argument_1"],
	additionalProperties: false
};

def call(n): { role: "assistant", content: [
	{ type: "text", text: "I look at part \(n) next." },
	{ type: "tool_use", id: "toolu_01ABCDEFGHJKMNPQ\(1000 + n)",
		name: "tool_\(n % 60)",
		input: { argument_0: "/src/part_\(n).c", argument_1: n } }
] };

def result(n): { role: "user", content: [
	{ type: "tool_result", tool_use_id: "toolu_01ABCDEFGHJKMNPQ\(1000 + n)",
		content: [{ type: "text", text: code(n) }] }
] };

{
	$model,
	max_tokens: 4096,
	system: [{ type: "text", text: prose(500) }],
	tools: [range(60) | { name: "tool_\(.)", description: prose(18),
		input_schema: schema(.) }],
	messages: ([{ role: "user", content: prose(20) }] +
		[range(40) | call(.), result(.)])
}
