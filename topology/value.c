#include "topology/value.h"

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "topology/mesh.h"
#include "topology/number.h"
#include "topology/word.h"

#define MODEL_CHARS_MAX 127
#define TEXT_CHARS_MAX  1024
#define HOST_CHARS_MAX  253
#define PORT_MAX        65535

#define POLICY_CHARS_MAX 255
#define POLICY_ENDING    ".js"

#define NAME_PATTERN  "[a-z0-9][a-z0-9._-]{0,62}"
#define MODEL_PATTERN "[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,126}"
#define HOST_PATTERN  "([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])"

static bool
is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_alnum(char c)
{
	return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

bool
is_name(struct slice text)
{
	size_t i;

	if (text.len == 0 || text.len > NAME_CHARS_MAX ||
	    !is_lower_or_digit(text.ptr[0]))
		return false;
	for (i = 1; i < text.len; i++)
		if (!is_lower_or_digit(text.ptr[i]) &&
		    !is_one_of(text.ptr[i], "._-"))
			return false;
	return true;
}

static bool
is_model(struct slice text)
{
	size_t i;

	if (text.len == 0 || text.len > MODEL_CHARS_MAX ||
	    !is_alnum(text.ptr[0]))
		return false;
	for (i = 1; i < text.len; i++)
		if (!is_alnum(text.ptr[i]) &&
		    !is_one_of(text.ptr[i], "._:/@+-"))
			return false;
	return true;
}

/* Split at the first slash; false when there is none. */
static bool
split_target(struct slice text, struct slice *provider, struct slice *model)
{
	const char *slash =
	    text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;

	if (slash == NULL)
		return false;
	*provider = slice_make(text.ptr, (size_t)(slash - text.ptr));
	*model = slice_after(text, provider->len + 1);
	return true;
}

static bool
is_target(struct slice text)
{
	struct slice provider, model;

	return split_target(text, &provider, &model) && is_name(provider) &&
	       is_model(model);
}

static bool
is_grant(struct slice text)
{
	struct slice provider, model;

	if (!split_target(text, &provider, &model) || !is_name(provider) ||
	    model.len == 0)
		return false;
	if (model.ptr[model.len - 1] == '*')
		model.len--;
	return model.len == 0 || is_model(model);
}

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static bool
is_host(struct slice host)
{
	const char *also = ".-_";
	size_t i, end = host.len;

	if (host.len == 0 || host.len > HOST_CHARS_MAX)
		return false;
	i = 0;
	if (host.ptr[0] == '[') {
		if (host.len < 4 || host.ptr[host.len - 1] != ']')
			return false;
		also = ":.";
		i = 1;
		end--;
	}
	for (; i < end; i++)
		if (!is_alnum(host.ptr[i]) && !is_one_of(host.ptr[i], also))
			return false;
	return true;
}

static bool
is_host_port(struct slice text, int64_t port_min)
{
	const char *colon =
	    text.len > 0 ? memrchr(text.ptr, ':', text.len) : NULL;
	struct slice host, port;
	int64_t number;

	if (colon == NULL)
		return false;
	host = slice_make(text.ptr, (size_t)(colon - text.ptr));
	port = slice_after(text, host.len + 1);
	return is_host(host) && number_digits(port, PORT_MAX, &number) &&
	       number >= port_min;
}

/* http(s)://host[:port][/path], nothing that could hide another meaning. */
static bool
is_url(struct slice text)
{
	struct slice rest, host;
	const char *slash;
	size_t i;

	if (text.len > TEXT_CHARS_MAX)
		return false;
	if (slice_starts(text, "https://"))
		rest = slice_after(text, strlen("https://"));
	else if (slice_starts(text, "http://"))
		rest = slice_after(text, strlen("http://"));
	else
		return false;
	slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
	host = rest;
	if (slash != NULL)
		host.len = (size_t)(slash - rest.ptr);
	for (i = host.len; i < rest.len; i++)
		if (!is_alnum(rest.ptr[i]) &&
		    !is_one_of(rest.ptr[i], "/._~-%:@+"))
			return false;
	return is_host(host) || is_host_port(host, 1);
}

static bool
keep(bool fine, struct slice text, void *at)
{
	if (fine)
		*(struct slice *)at = text;
	return fine;
}

static bool
read_name(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return keep(is_name(text), text, at);
}

static bool
read_text(struct arena *arena, struct slice text, void *at)
{
	size_t i;

	(void)arena;
	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F)
			return false;
	return keep(text.len > 0 && text.len <= TEXT_CHARS_MAX, text, at);
}

static bool
read_model(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return keep(is_model(text), text, at);
}

static bool
read_target(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return keep(is_target(text), text, at);
}

static bool
read_grant(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return keep(is_grant(text), text, at);
}

static bool
read_address(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return keep(is_host_port(text, 1), text, at);
}

static bool
read_listen(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return keep(is_host_port(text, 0), text, at);
}

static bool
read_url(struct arena *arena, struct slice text, void *at)
{
	if (!is_url(text))
		return false;
	while (text.ptr[text.len - 1] == '/')
		text.len--;
	return keep(true, arena_copy(arena, text), at);
}

static bool
read_path(struct arena *arena, struct slice text, void *at)
{
	return slice_starts(text, "/") && read_text(arena, text, at);
}

static bool
read_secret(struct arena *arena, struct slice text, void *at)
{
	if (!slice_starts(text, "secret/"))
		return false;
	return read_name(arena, slice_after(text, strlen("secret/")), at);
}

static bool
read_key(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return public_key_parse(at, text);
}

static bool
read_hash(struct arena *arena, struct slice text, void *at)
{
	struct hash *hash = at;

	(void)arena;
	return hex_parse(hash->bytes, sizeof(hash->bytes), text);
}

/* Below the folder: no part begins with a dot, so none leads out of it. */
static bool
is_policy(struct slice text)
{
	bool begins = true;
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!is_alnum(c) && !is_one_of(c, begins ? "_-" : "._-/"))
			return false;
		begins = c == '/';
	}
	return text.len > sizeof(POLICY_ENDING) - 1 &&
	       text.len <= POLICY_CHARS_MAX &&
	       slice_is(slice_after(text,
			    text.len - (sizeof(POLICY_ENDING) - 1)),
		   POLICY_ENDING);
}

static bool
read_policy(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return keep(is_policy(text), text, at);
}

static const struct value_spec specs[] = {
	[VALUE_NAME] = { "name", "small letters, digits, '.', '_' and '-'",
	    "^" NAME_PATTERN "$", .bytes = sizeof(struct slice),
	    .read = read_name },
	[VALUE_TEXT] = { "text", "one line of at most 1024 bytes",
	    "^.{1,1024}$", .bytes = sizeof(struct slice), .read = read_text },
	[VALUE_MODEL] = { "model name", "it as the provider does",
	    "^" MODEL_PATTERN "$", .bytes = sizeof(struct slice),
	    .read = read_model },
	[VALUE_TARGET] = { "target", "provider/model, as openai/gpt-5-mini",
	    "^" NAME_PATTERN "/" MODEL_PATTERN "$",
	    .bytes = sizeof(struct slice), .read = read_target },
	[VALUE_GRANT] = { "grant",
	    "provider/model, provider/start* or provider/*",
	    "^" NAME_PATTERN "/([A-Za-z0-9][A-Za-z0-9._:/@+-]*)?[*]?$",
	    .bytes = sizeof(struct slice), .read = read_grant },
	[VALUE_ADDRESS] = { "address",
	    "host:port, as egress.acme.internal:7443",
	    "^" HOST_PATTERN ":[0-9]{1,5}$", .bytes = sizeof(struct slice),
	    .read = read_address },
	[VALUE_LISTEN] = { "address to listen at",
	    "host:port, as 127.0.0.1:8080 or [::]:8080",
	    "^" HOST_PATTERN ":[0-9]{1,5}$", .bytes = sizeof(struct slice),
	    .read = read_listen },
	[VALUE_URL] = { "URL",
	    "http:// or https://, host and path, without user, query or "
	    "fragment",
	    "^https?://" HOST_PATTERN
	    "(:[0-9]{1,5})?(/[A-Za-z0-9/._~%:@+-]*)?$",
	    .bytes = sizeof(struct slice), .read = read_url },
	[VALUE_PATH] = { "path", "one that begins with a slash", "^/.{0,1023}$",
	    .bytes = sizeof(struct slice), .read = read_path },
	[VALUE_SECRET] = { "secret's name",
	    "secret/NAME; the secret itself is set by `secret set NAME`",
	    "^secret/" NAME_PATTERN "$", .bytes = sizeof(struct slice),
	    .read = read_secret },
	[VALUE_POLICY] = { "policy's file",
	    "one of the topology's folder, as policies/cheapest.js",
	    "^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*"
	    "[.]js$",
	    .bytes = sizeof(struct slice), .read = read_policy },
	[VALUE_HASH] = { "hash",
	    "64 hex digits, as `gsr-node policy build` prints them",
	    "^[0-9a-f]{64}$", .bytes = sizeof(struct hash), .read = read_hash },
	[VALUE_KEY] = { "public key", "ed25519: and 43 characters",
	    "^ed25519:[A-Za-z0-9_-]{43}$", .bytes = sizeof(struct public_key),
	    .read = read_key },
};

const struct value_spec *
value_spec(enum value_type type)
{
	if (type >= VALUE_ROLE)
		return word_spec(type);
	return type >= VALUE_DURATION ? number_spec(type) : &specs[type];
}
