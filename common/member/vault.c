#include "common/member/vault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/member/master.h"

/*
 * The file, in lines:
 *
 *	gsr-vault 1 <8 hex: which master key>
 *	<name> <set_us> <base64 of the sealed bytes>     by name
 *	tag <64 hex>
 *
 * Sealed is: name, NUL, set_us as in the line, NUL, the secret.  The tag is
 * BLAKE2b over all before its line, under a key made from the master key.
 */

#define HEAD           "gsr-vault 1 "
#define TAG            "tag "
#define KEY_ID_CHARS   8
#define TAG_LINE_CHARS (sizeof(TAG) - 1 + 2 * HASH_BYTES + 1)
#define TIME_CHARS     21
#define LABEL_MAX      (VAULT_NAME_MAX + 1 + TIME_CHARS)
#define SEALED_MAX     (LABEL_MAX + VAULT_SECRET_MAX + SEALED_EXTRA)
#define FILE_BYTES_MAX (8 << 20)

struct entry {
	char name[VAULT_NAME_MAX + 1];
	int64_t set_us;
	struct secret *secret;
};

struct entries {
	struct entry *at; /* by name */
	size_t count;
};

struct vault {
	int dir;
	struct secret *master, *tag_key, *print_key;
	char key_id[KEY_ID_CHARS + 1];
	struct entries entries;
};

bool
vault_name_ok(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strspn(name, rest);

	return len > 0 && len <= VAULT_NAME_MAX && name[len] == '\0' &&
	       strspn(name, first) > 0;
}

static struct secret *
derive(const struct secret *master, const char *purpose)
{
	struct hash h =
	    hash_keyed(secret_view(master), purpose, strlen(purpose));
	struct secret *s = secret_new(h.bytes, sizeof(h.bytes));

	crypto_wipe(&h, sizeof(h));
	return s;
}

static void
fingerprint(char *out, const struct secret *key, struct slice of, size_t chars)
{
	struct hash h = hash_keyed(secret_view(key), of.ptr, of.len);
	char hex[2 * HASH_BYTES + 1];

	hex_write(hex, h.bytes, sizeof(h.bytes));
	memcpy(out, hex, chars);
	out[chars] = '\0';
}

static void
entries_fini(struct entries *e)
{
	size_t i;

	for (i = 0; i < e->count; i++)
		secret_free(e->at[i].secret);
	free(e->at);
	*e = (struct entries){ NULL, 0 };
}

/* Where it is, or would be. */
static size_t
position(const struct entries *e, const char *name, bool *found)
{
	size_t low = 0, high = e->count;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, e->at[middle].name);

		*found = order == 0;
		if (order <= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return high;
}

/* A holding copy, with room for one more. */
static struct entries
entries_copy(const struct entries *e)
{
	struct entries copy = { NULL, e->count };
	size_t i;

	copy.at = xcalloc(e->count + 1, sizeof(*copy.at));
	for (i = 0; i < e->count; i++) {
		copy.at[i] = e->at[i];
		secret_hold(copy.at[i].secret);
	}
	return copy;
}

static void
entries_remove(struct entries *e, size_t at)
{
	secret_free(e->at[at].secret);
	memmove(e->at + at, e->at + at + 1,
	    (e->count - at - 1) * sizeof(*e->at));
	e->count--;
}

static void
entries_insert(struct entries *e, size_t at, const char *name,
    struct secret *secret)
{
	memmove(e->at + at + 1, e->at + at, (e->count - at) * sizeof(*e->at));
	e->count++;
	e->at[at] = (struct entry){ .set_us = clock_wall_us(),
		.secret = secret_hold(secret) };
	memcpy(e->at[at].name, name, strlen(name) + 1);
}

static void
write_entry(struct buf *out, const struct vault *v, const struct entry *e)
{
	struct slice secret = secret_view(e->secret);
	uint8_t plain[LABEL_MAX + VAULT_SECRET_MAX], sealed[SEALED_MAX];
	char text[BASE64_CHARS(SEALED_MAX) + 1];
	size_t len;

	len = (size_t)snprintf((char *)plain, LABEL_MAX, "%s%c%lld", e->name,
		  '\0', (long long)e->set_us) +
	      1;
	memcpy(plain + len, secret.ptr, secret.len);
	len += secret.len;
	crypto_seal(sealed, v->master, slice_make(plain, len));
	crypto_wipe(plain, sizeof(plain));
	base64_write(text, sealed, len + SEALED_EXTRA);
	buf_printf(out, "%s %lld ", e->name, (long long)e->set_us);
	buf_puts(out, text);
	buf_putc(out, '\n');
}

static void
write_tag(struct buf *out, const struct vault *v)
{
	struct hash tag =
	    hash_keyed(secret_view(v->tag_key), out->data, out->len);
	char hex[2 * HASH_BYTES + 1];

	hex_write(hex, tag.bytes, sizeof(tag.bytes));
	buf_printf(out, TAG "%s\n", hex);
}

static bool
write_all(int fd, struct slice bytes)
{
	ssize_t n;

	while (bytes.len > 0) {
		n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			bytes = slice_after(bytes, (size_t)n);
	}
	return true;
}

static bool
replace_file(const struct vault *v, struct slice bytes)
{
	int fd = openat(v->dir, "vault.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool written;

	if (fd < 0)
		return false;
	written =
	    fchmod(fd, 0600) == 0 && write_all(fd, bytes) && fsync(fd) == 0;
	close(fd);
	return written && renameat(v->dir, "vault.new", v->dir, "vault") == 0 &&
	       fsync(v->dir) == 0;
}

static bool
save(struct vault *v, const struct entries *e, const char **why)
{
	struct buf out;
	size_t i;
	bool saved;

	buf_init(&out, FILE_BYTES_MAX);
	buf_printf(&out, HEAD "%s\n", v->key_id);
	for (i = 0; i < e->count; i++)
		write_entry(&out, v, &e->at[i]);
	write_tag(&out, v);
	*why = "the vault would be too large";
	saved = !out.failed;
	if (saved) {
		*why = "the vault cannot be written";
		saved = replace_file(v, buf_slice(&out));
	}
	buf_fini(&out);
	return saved;
}

/* Cut off what stands before `end`; false when `end` is not there. */
static bool
take(struct slice *from, char end, struct slice *part)
{
	const char *at =
	    from->len > 0 ? memchr(from->ptr, end, from->len) : NULL;

	if (at == NULL)
		return false;
	*part = slice_make(from->ptr, (size_t)(at - from->ptr));
	*from = slice_after(*from, part->len + 1);
	return true;
}

/* The seal holds the name and time of its own line. */
static struct secret *
unseal(const struct vault *v, struct slice label, struct slice text)
{
	uint8_t sealed[SEALED_MAX];
	size_t len = text.len * 3 / 4;
	struct secret *plain, *secret = NULL;
	struct slice view;

	if (len <= SEALED_EXTRA || len > sizeof(sealed) ||
	    !base64_parse(sealed, len, text))
		return NULL;
	plain = crypto_unseal(v->master, slice_make(sealed, len));
	if (plain == NULL)
		return NULL;
	view = secret_view(plain);
	if (view.len > label.len && memcmp(view.ptr, label.ptr, label.len) == 0)
		secret = secret_new(view.ptr + label.len, view.len - label.len);
	secret_free(plain);
	return secret;
}

static bool
read_entry(const struct vault *v, struct entries *e, struct slice line)
{
	struct entry *entry = &e->at[e->count];
	char label[LABEL_MAX];
	struct slice name, time;
	int len;

	if (e->count == VAULT_ENTRIES_MAX || !take(&line, ' ', &name) ||
	    !take(&line, ' ', &time) || name.len > VAULT_NAME_MAX ||
	    time.len >= TIME_CHARS)
		return false;
	memcpy(entry->name, name.ptr, name.len);
	entry->name[name.len] = '\0';
	if (!vault_name_ok(entry->name) ||
	    (e->count > 0 && strcmp(entry[-1].name, entry->name) >= 0))
		return false;
	len = snprintf(label, sizeof(label), "%s%c%.*s", entry->name, '\0',
	    SLICE_FMT(time));
	entry->set_us = strtoll(label + strlen(label) + 1, NULL, 10);
	entry->secret = unseal(v, slice_make(label, (size_t)len + 1), line);
	e->count += entry->secret != NULL;
	return entry->secret != NULL;
}

static bool
tag_holds(const struct vault *v, struct slice *text)
{
	size_t body = text->len - min_size(text->len, TAG_LINE_CHARS);
	struct slice line = slice_after(*text, body), hex;
	struct hash tag, given;

	if (!slice_starts(line, TAG) || !take(&line, '\n', &hex) ||
	    !hex_parse(given.bytes, HASH_BYTES,
		slice_after(hex, sizeof(TAG) - 1)))
		return false;
	text->len = body;
	tag = hash_keyed(secret_view(v->tag_key), text->ptr, text->len);
	return crypto_equal(tag.bytes, given.bytes, HASH_BYTES);
}

static bool
parse(const struct vault *v, struct entries *e, struct slice text,
    const char **why)
{
	struct slice whole = text, line;

	*why = "the vault file is not one of ours";
	if (!take(&text, '\n', &line) || !slice_starts(line, HEAD))
		return false;
	*why = "the vault was sealed under another master key";
	if (!slice_is(slice_after(line, sizeof(HEAD) - 1), v->key_id))
		return false;
	*why = "the vault file was altered or cut";
	if (!tag_holds(v, &whole))
		return false;
	text.len = (size_t)(whole.ptr + whole.len - text.ptr);
	e->at = xcalloc(VAULT_ENTRIES_MAX, sizeof(*e->at));
	while (text.len > 0)
		if (!take(&text, '\n', &line) || !read_entry(v, e, line))
			return false;
	return true;
}

static bool
read_file(int fd, struct buf *in, const char **why)
{
	struct stat st;
	ssize_t n = 1;

	*why = "the vault file cannot be read";
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*why = "the vault file is open to group or others: chmod 600";
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return false;
	*why = "the vault file is too large";
	if (st.st_size > FILE_BYTES_MAX)
		return false;
	*why = "the vault file cannot be read";
	while (n > 0 && in->len <= FILE_BYTES_MAX) {
		n = read(fd, buf_room(in, 65536), 65536);
		if (n > 0)
			buf_grow(in, (size_t)n);
	}
	return n == 0;
}

static bool
load(const struct vault *v, struct entries *e, const char **why)
{
	int fd = openat(v->dir, "vault", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct buf in;
	bool loaded;

	*e = (struct entries){ NULL, 0 };
	*why = "the vault file cannot be opened";
	if (fd < 0)
		return errno == ENOENT;
	buf_init(&in, FILE_BYTES_MAX + 2 * 65536);
	loaded = read_file(fd, &in, why) && parse(v, e, buf_slice(&in), why);
	if (!loaded)
		entries_fini(e);
	buf_fini(&in);
	close(fd);
	return loaded;
}

bool
vault_create(const char *state_dir, const char **why)
{
	return master_create(state_dir, why);
}

struct vault *
vault_open(const char *state_dir, const char *master_key_file, const char **why)
{
	struct vault *v = xcalloc(1, sizeof(*v));

	*why = "the state directory cannot be opened";
	v->dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir < 0)
		goto out;
	v->master = master_open(state_dir, master_key_file, why);
	if (v->master == NULL)
		goto out;
	v->tag_key = derive(v->master, "gsr/vault/tag/v1");
	v->print_key = derive(v->master, "gsr/vault/fingerprint/v1");
	fingerprint(v->key_id, v->master, slice_of("gsr/vault/key-id/v1"),
	    KEY_ID_CHARS);
	if (load(v, &v->entries, why))
		return v;
out:
	vault_close(v);
	return NULL;
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	entries_fini(&v->entries);
	secret_free(v->master);
	secret_free(v->tag_key);
	secret_free(v->print_key);
	if (v->dir >= 0)
		close(v->dir);
	free(v);
}

bool
vault_reload(struct vault *v, const char **why)
{
	struct entries fresh;

	if (!load(v, &fresh, why))
		return false;
	entries_fini(&v->entries);
	v->entries = fresh;
	return true;
}

enum change { PUT, ROTATE, REMOVE };

static bool
is_held(const struct entry *e, const struct secret *secret)
{
	return slice_eq(secret_view(e->secret), secret_view(secret));
}

/*
 * In what is on disk now, not in what we read once: a command may have
 * written since.
 */
static bool
change(struct vault *v, enum change what, const char *name,
    struct secret *secret, const char **why)
{
	struct entries next;
	bool found;
	size_t at;

	if (!vault_reload(v, why))
		return false;
	at = position(&v->entries, name, &found);
	*why = what == ROTATE ? "there is none of that name to rotate; make "
				"it with: secret set"
			      : "there is no secret of that name";
	if (what != PUT && !found)
		return false;
	*why = "it is the one that is there already; nothing is changed";
	if (what == ROTATE && is_held(&v->entries.at[at], secret))
		return false;
	*why = "the vault is full";
	if (!found && v->entries.count == VAULT_ENTRIES_MAX)
		return false;
	next = entries_copy(&v->entries);
	if (found)
		entries_remove(&next, at);
	if (secret != NULL)
		entries_insert(&next, at, name, secret);
	if (!save(v, &next, why)) {
		entries_fini(&next);
		return false;
	}
	entries_fini(&v->entries);
	v->entries = next;
	return true;
}

static bool
change_alone(struct vault *v, enum change what, const char *name,
    struct secret *secret, const char **why)
{
	bool changed;

	*why = "the state directory cannot be locked";
	if (flock(v->dir, LOCK_EX) < 0)
		return false;
	changed = change(v, what, name, secret, why);
	flock(v->dir, LOCK_UN);
	return changed;
}

static bool
put(struct vault *v, enum change what, const char *name, struct secret *secret,
    const char **why)
{
	size_t len = secret_view(secret).len;

	*why = "a secret's name is a-z, 0-9, '.', '_', '-', at most 63";
	if (!vault_name_ok(name))
		return false;
	*why = "a secret has 1 to 16384 bytes";
	if (len == 0 || len > VAULT_SECRET_MAX)
		return false;
	return change_alone(v, what, name, secret, why);
}

bool
vault_set(struct vault *v, const char *name, struct secret *secret,
    const char **why)
{
	return put(v, PUT, name, secret, why);
}

bool
vault_rotate(struct vault *v, const char *name, struct secret *secret,
    const char **why)
{
	return put(v, ROTATE, name, secret, why);
}

bool
vault_remove(struct vault *v, const char *name, const char **why)
{
	return change_alone(v, REMOVE, name, NULL, why);
}

struct secret *
vault_get(const struct vault *v, const char *name)
{
	bool found;
	size_t at = position(&v->entries, name, &found);

	return found ? secret_hold(v->entries.at[at].secret) : NULL;
}

size_t
vault_count(const struct vault *v)
{
	return v->entries.count;
}

struct vault_entry
vault_at(const struct vault *v, size_t i)
{
	const struct entry *e = &v->entries.at[i];
	struct vault_entry out = { .name = e->name, .set_us = e->set_us };

	assert(i < v->entries.count);
	fingerprint(out.fingerprint, v->print_key, secret_view(e->secret),
	    VAULT_FINGERPRINT_LEN);
	return out;
}

bool
vault_find(const struct vault *v, const char *name, struct vault_entry *entry)
{
	bool found;
	size_t at = position(&v->entries, name, &found);

	if (found)
		*entry = vault_at(v, at);
	return found;
}
