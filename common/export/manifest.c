#include "common/export/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/format/moment.h"

#define ARENA_MAX      (1u << 20)
#define SIGNATURE_TEXT BASE64_CHARS(SIGNATURE_BYTES)

void
manifest_path(char path[EXPORT_PATH_MAX], const char *dir, const char *name)
{
	snprintf(path, EXPORT_PATH_MAX, "%s/%s", dir, name);
}

static void
put_time(struct json_writer *w, const char *name, int64_t us)
{
	char text[CLOCK_TEXT_BYTES];

	json_key(w, name);
	if (us <= 0) {
		json_put_null(w);
		return;
	}
	clock_write(us, text);
	json_put_text(w, slice_of(text));
}

static void
put_hex(struct json_writer *w, const char *name, const void *bytes, size_t len)
{
	char text[2 * EXPORT_KEY_MAX + 1];

	hex_write(text, bytes, len);
	json_field_text(w, name, slice_of(text));
}

static void
put_file(struct json_writer *w, const struct manifest *m, enum export_kind k)
{
	const struct manifest_file *f = &m->files[k];
	char name[EXPORT_NAME_BYTES];

	kind_file(k, m->encoding, name);
	json_open(w, '{');
	json_field_text(w, "kind", slice_of(kind_name(k)));
	json_field_text(w, "file", slice_of(name));
	json_field_bool(w, "whole", f->whole);
	json_field_int(w, "rows", f->rows);
	json_field_int(w, "bytes", f->bytes);
	json_field_int(w, "damaged", f->damaged);
	put_hex(w, "last_key", f->last_key, f->last_key_len);
	put_hex(w, "hash", f->hash.bytes, HASH_BYTES);
	json_close(w, '}');
}

static void
write_json(const struct manifest *m, struct buf *out)
{
	struct json_writer w = { .out = out };
	enum export_kind k;

	json_open(&w, '{');
	json_field_int(&w, "format", EXPORT_FORMAT);
	json_field_text(&w, "mesh", slice_of(m->mesh));
	json_field_text(&w, "member", slice_of(m->member));
	json_field_text(&w, "encoding",
	    slice_of(m->encoding == EXPORT_JSONL ? "jsonl" : "csv"));
	put_time(&w, "as_of", m->as_of);
	put_time(&w, "from", m->from);
	put_time(&w, "to", m->to);
	json_field_bool(&w, "whole", m->whole);
	json_key(&w, "files");
	json_open(&w, '[');
	for (k = 0; k < EXPORT_KINDS; k++)
		if (m->files[k].wanted)
			put_file(&w, m, k);
	json_close(&w, ']');
	json_close(&w, '}');
	buf_putc(out, '\n');
}

/* Whole or not at all, whenever the process ends. */
static bool
replace(const char *dir, const char *name, struct slice bytes)
{
	char path[EXPORT_PATH_MAX], part[EXPORT_PATH_MAX + 8];
	bool good;
	int fd;

	manifest_path(path, dir, name);
	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	good = write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len;
	good = close(fd) == 0 && good;
	return good && rename(part, path) == 0;
}

bool
manifest_save(const struct manifest *m, const char *dir)
{
	struct buf text;
	bool good;

	buf_init(&text, MANIFEST_MAX);
	write_json(m, &text);
	good = !text.failed && replace(dir, MANIFEST_NAME, buf_slice(&text));
	buf_fini(&text);
	return good;
}

/* A file of ours, all of it; false when there is none or it is too long. */
static bool
read_file(const char *dir, const char *name, struct buf *out)
{
	char path[EXPORT_PATH_MAX];
	ssize_t got = -1;
	uint8_t *room;
	int fd;

	manifest_path(path, dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	room = buf_room(out, MANIFEST_MAX + 1);
	if (room != NULL)
		got = read(fd, room, MANIFEST_MAX + 1);
	close(fd);
	if (got < 0 || got > MANIFEST_MAX) {
		errno = EFBIG;
		return false;
	}
	buf_grow(out, (size_t)got);
	return true;
}

bool
manifest_sign(const char *dir, const struct secret *key)
{
	char text[SIGNATURE_TEXT + 2];
	struct signature s;
	struct buf bytes;
	bool good;

	buf_init(&bytes, MANIFEST_MAX + 1);
	good = read_file(dir, MANIFEST_NAME, &bytes);
	if (good) {
		s = sign_bytes(key, EXPORT_CONTEXT, buf_slice(&bytes));
		base64_write(text, s.bytes, SIGNATURE_BYTES);
		text[SIGNATURE_TEXT] = '\n';
		good = replace(dir, MANIFEST_SIGNED,
		    slice_make(text, SIGNATURE_TEXT + 1));
	}
	buf_fini(&bytes);
	return good;
}

bool
manifest_is_signed(const char *dir, const struct public_key *keys, size_t count)
{
	struct buf bytes, text;
	struct slice line;
	struct signature s;
	bool good = false;
	size_t i;

	buf_init(&bytes, MANIFEST_MAX + 1);
	buf_init(&text, MANIFEST_MAX + 1);
	if (read_file(dir, MANIFEST_NAME, &bytes) &&
	    read_file(dir, MANIFEST_SIGNED, &text) &&
	    text.len == SIGNATURE_TEXT + 1 &&
	    text.data[SIGNATURE_TEXT] == '\n') {
		line = slice_make(text.data, SIGNATURE_TEXT);
		if (base64_parse(s.bytes, SIGNATURE_BYTES, line))
			for (i = 0; i < count && !good; i++)
				good = sign_check(&keys[i], EXPORT_CONTEXT,
				    buf_slice(&bytes), &s);
	}
	buf_fini(&text);
	buf_fini(&bytes);
	return good;
}

static bool
read_text(const struct json_value *v, struct arena *arena, char *out,
    size_t room)
{
	struct slice text;

	if (!json_text(v, arena, &text) || text.len >= room)
		return false;
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return true;
}

static bool
read_time(const struct json_value *v, struct arena *arena, int64_t *us)
{
	struct slice text;

	*us = 0;
	if (v != NULL && v->type == JSON_NULL)
		return true;
	return json_text(v, arena, &text) && moment_parse(text, us);
}

static bool
read_bool(const struct json_value *v, bool *truth)
{
	*truth = v != NULL && v->type == JSON_TRUE;
	return v != NULL && (v->type == JSON_TRUE || v->type == JSON_FALSE);
}

static bool
read_key(const struct json_value *v, struct arena *arena,
    struct manifest_file *f)
{
	struct slice text;

	if (!json_text(v, arena, &text) || text.len > 2 * EXPORT_KEY_MAX)
		return false;
	f->last_key_len = text.len / 2;
	return hex_parse(f->last_key, f->last_key_len, text);
}

static bool
read_kind(struct manifest *m, const struct json_value *v, struct arena *arena)
{
	char name[EXPORT_NAME_BYTES], file[EXPORT_NAME_BYTES],
	    want[EXPORT_NAME_BYTES];
	struct manifest_file *f;
	struct slice hash;
	enum export_kind k = 0;

	if (!read_text(json_find(v, "kind"), arena, name, sizeof(name)) ||
	    !read_text(json_find(v, "file"), arena, file, sizeof(file)))
		return false;
	while (k < EXPORT_KINDS && strcmp(name, kind_name(k)) != 0)
		k++;
	if (k == EXPORT_KINDS || m->files[k].wanted)
		return false;
	kind_file(k, m->encoding, want);
	f = &m->files[k];
	f->wanted = true;
	return strcmp(file, want) == 0 &&
	       read_bool(json_find(v, "whole"), &f->whole) &&
	       json_int(json_find(v, "rows"), &f->rows) && f->rows >= 0 &&
	       json_int(json_find(v, "bytes"), &f->bytes) && f->bytes >= 0 &&
	       json_int(json_find(v, "damaged"), &f->damaged) &&
	       read_key(json_find(v, "last_key"), arena, f) &&
	       json_text(json_find(v, "hash"), arena, &hash) &&
	       hex_parse(f->hash.bytes, HASH_BYTES, hash);
}

static bool
read_encoding(const struct json_value *v, enum export_encoding *e)
{
	*e = json_is(v, "csv") ? EXPORT_CSV : EXPORT_JSONL;
	return json_is(v, "csv") || json_is(v, "jsonl");
}

static const char *
read_all(struct manifest *m, const struct json_value *top, struct arena *arena)
{
	const struct json_value *files = json_find(top, "files"), *v;
	int64_t format;

	if (!json_int(json_find(top, "format"), &format))
		return "it has no format";
	if (format != EXPORT_FORMAT)
		return "it is of another format: read it with the version "
		       "that wrote it";
	if (!read_text(json_find(top, "member"), arena, m->member,
		sizeof(m->member)) ||
	    !read_text(json_find(top, "mesh"), arena, m->mesh,
		sizeof(m->mesh)) ||
	    !read_encoding(json_find(top, "encoding"), &m->encoding) ||
	    !read_time(json_find(top, "as_of"), arena, &m->as_of) ||
	    !read_time(json_find(top, "from"), arena, &m->from) ||
	    !read_time(json_find(top, "to"), arena, &m->to) ||
	    !read_bool(json_find(top, "whole"), &m->whole))
		return "a field is missing or not what it should be";
	if (files == NULL || files->type != JSON_ARRAY)
		return "it lists no files";
	for (v = files->first; v != NULL; v = v->next)
		if (!read_kind(m, v, arena))
			return "the entry of a file is not what it should be";
	return NULL;
}

enum manifest_read
manifest_load(struct manifest *m, const char *dir, struct buf *why)
{
	enum manifest_read result = MANIFEST_READ;
	const struct json_value *top;
	struct json_error error = { NULL, 0 };
	const char *wrong;
	struct arena arena;
	struct buf text;

	memset(m, 0, sizeof(*m));
	buf_init(&text, MANIFEST_MAX + 1);
	arena_init(&arena, ARENA_MAX);
	if (!read_file(dir, MANIFEST_NAME, &text)) {
		result = errno == ENOENT ? MANIFEST_NONE : MANIFEST_BAD;
		buf_printf(why, "%s/%s: %s\n", dir, MANIFEST_NAME,
		    strerror(errno));
	} else {
		top = json_parse(&arena, buf_slice(&text), &error);
		wrong = top != NULL ? read_all(m, top, &arena) : error.why;
		if (wrong != NULL) {
			result = MANIFEST_BAD;
			buf_printf(why, "%s/%s: %s\n", dir, MANIFEST_NAME,
			    wrong);
		}
	}
	arena_fini(&arena);
	buf_fini(&text);
	return result;
}
