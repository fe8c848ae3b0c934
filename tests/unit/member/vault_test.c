#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/crypto.h"
#include "common/base/secret.h"
#include "common/member/vault.h"

#define FILE_MAX 262144

struct lab {
	char dir[64], vault[96], key[96], spare[96];
	const char *why;
	struct vault *v;
};

static int
setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));

	snprintf(l->dir, sizeof(l->dir), "/tmp/vault_test.XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	snprintf(l->vault, sizeof(l->vault), "%s/vault", l->dir);
	snprintf(l->key, sizeof(l->key), "%s/master.key", l->dir);
	snprintf(l->spare, sizeof(l->spare), "%s/vault.new", l->dir);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_true(vault_create(l->dir, &l->why));
	l->v = vault_open(l->dir, NULL, &l->why);
	assert_non_null(l->v);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct lab *l = *state;

	vault_close(l->v);
	unlink(l->vault);
	unlink(l->key);
	unlink(l->spare);
	assert_int_equal(rmdir(l->dir), 0);
	free(l);
	return 0;
}

static void
put(struct lab *l, const char *name, const char *text)
{
	struct secret *s = secret_new(text, strlen(text));

	assert_true(vault_set(l->v, name, s, &l->why));
	secret_free(s);
}

static void
expect(const struct vault *v, const char *name, const char *text)
{
	struct secret *s = vault_get(v, name);

	assert_non_null(s);
	assert_true(slice_is(secret_view(s), text));
	secret_free(s);
}

static struct vault *
reopen(struct lab *l)
{
	vault_close(l->v);
	l->v = vault_open(l->dir, NULL, &l->why);
	return l->v;
}

static size_t
file_read(const char *path, char *text)
{
	FILE *f = fopen(path, "r");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, FILE_MAX - 1, f);
	text[len] = '\0';
	fclose(f);
	return len;
}

static void
file_write(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* The vault on disk is refused, for a reason that has this word. */
static void
expect_refused(struct lab *l, const char *word)
{
	struct vault *v = vault_open(l->dir, NULL, &l->why);

	assert_null(v);
	if (strstr(l->why, word) == NULL)
		fail_msg("refused for: %s", l->why);
}

static bool
rotate(struct lab *l, const char *name, const char *text)
{
	struct secret *s = secret_new(text, strlen(text));
	bool done = vault_rotate(l->v, name, s, &l->why);

	secret_free(s);
	return done;
}

static void
rotates_what_is_there_by_something_new(void **state)
{
	struct lab *l = *state;
	static char before[FILE_MAX], file[FILE_MAX];
	struct vault_entry was, is;
	size_t len;

	put(l, "openai", "sk-canary-old");
	put(l, "other", "sk-canary-other");
	len = file_read(l->vault, before);
	assert_false(rotate(l, "opneai", "sk-canary-new"));
	assert_non_null(strstr(l->why, "secret set"));
	assert_false(rotate(l, "openai", "sk-canary-old"));
	assert_non_null(strstr(l->why, "already"));
	assert_false(rotate(l, "Open AI", "sk-canary-new"));
	/* What is refused changes nothing, on disk either. */
	assert_int_equal(file_read(l->vault, file), len);
	assert_memory_equal(file, before, len);
	assert_false(vault_find(l->v, "opneai", &was));
	assert_true(vault_find(l->v, "openai", &was));
	assert_true(rotate(l, "openai", "sk-canary-new"));
	assert_true(vault_find(l->v, "openai", &is));
	assert_string_not_equal(was.fingerprint, is.fingerprint);
	assert_true(is.set_us >= was.set_us);
	assert_non_null(reopen(l));
	assert_int_equal(vault_count(l->v), 2);
	expect(l->v, "openai", "sk-canary-new");
	expect(l->v, "other", "sk-canary-other");
	/* The old one's line is gone, not only out of sight. */
	file_read(l->vault, file);
	*strchr(strstr(before, "\nopenai ") + 1, '\n') = '\0';
	assert_null(strstr(file, strstr(before, "\nopenai ")));
}

static void
keeps_secrets(void **state)
{
	struct lab *l = *state;
	static char file[FILE_MAX];
	struct stat st;

	put(l, "openai", "sk-canary-one");
	put(l, "anthropic.eu_1", "sk-canary-two");
	put(l, "openai", "sk-canary-three");
	assert_non_null(reopen(l));
	assert_int_equal(vault_count(l->v), 2);
	expect(l->v, "openai", "sk-canary-three");
	expect(l->v, "anthropic.eu_1", "sk-canary-two");
	assert_null(vault_get(l->v, "none"));
	file_read(l->vault, file);
	assert_null(strstr(file, "canary"));
	assert_int_equal(stat(l->vault, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(l->key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
takes_any_bytes(void **state)
{
	struct lab *l = *state;
	static char bytes[VAULT_SECRET_MAX + 1];
	struct secret *s;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	s = secret_new(bytes, VAULT_SECRET_MAX);
	assert_true(vault_set(l->v, "large", s, &l->why));
	secret_free(s);
	assert_non_null(reopen(l));
	s = vault_get(l->v, "large");
	assert_int_equal(secret_view(s).len, VAULT_SECRET_MAX);
	assert_memory_equal(secret_view(s).ptr, bytes, VAULT_SECRET_MAX);
	secret_free(s);
	s = secret_new(bytes, sizeof(bytes));
	assert_false(vault_set(l->v, "larger", s, &l->why));
	secret_free(s);
}

static void
removes(void **state)
{
	struct lab *l = *state;

	put(l, "a", "1");
	put(l, "b", "2");
	assert_true(vault_remove(l->v, "a", &l->why));
	assert_false(vault_remove(l->v, "a", &l->why));
	assert_non_null(reopen(l));
	assert_int_equal(vault_count(l->v), 1);
	expect(l->v, "b", "2");
}

static void
lists_without_showing(void **state)
{
	struct lab *l = *state;
	struct vault_entry e;

	put(l, "c", "same");
	put(l, "a", "same");
	put(l, "b", "other");
	e = vault_at(l->v, 1);
	assert_string_equal(e.name, "b");
	assert_true(e.set_us > 0);
	assert_int_equal(strlen(e.fingerprint), VAULT_FINGERPRINT_LEN);
	assert_string_not_equal(e.fingerprint, vault_at(l->v, 0).fingerprint);
	assert_string_equal(vault_at(l->v, 2).fingerprint,
	    vault_at(l->v, 0).fingerprint);
}

static void
checks_names(void **state)
{
	static const char *const bad[] = { "", ".a", "-a", "A", "a b", "a/b",
		"a\n", "ä" };
	struct lab *l = *state;
	struct secret *s = secret_new("x", 1);
	char name[VAULT_NAME_MAX + 2] = { 0 };
	size_t i;

	for (i = 0; i < count_of(bad); i++)
		assert_false(vault_set(l->v, bad[i], s, &l->why));
	memset(name, 'a', VAULT_NAME_MAX + 1);
	assert_false(vault_set(l->v, name, s, &l->why));
	assert_int_equal(vault_count(l->v), 0);
	name[VAULT_NAME_MAX] = '\0';
	assert_true(vault_set(l->v, name, s, &l->why));
	secret_free(s);
}

static void
refuses_another_key(void **state)
{
	struct lab *l = *state;

	put(l, "a", "1");
	file_write(l->key,
	    "00000000000000000000000000000000"
	    "00000000000000000000000000000000\n",
	    65);
	expect_refused(l, "another master key");
}

static void
refuses_any_altered_byte(void **state)
{
	struct lab *l = *state;
	static char file[FILE_MAX];
	size_t len, i;
	struct vault *v;

	put(l, "a", "1");
	put(l, "b", "2");
	len = file_read(l->vault, file);
	for (i = 0; i < len; i++) {
		file[i] ^= 1;
		file_write(l->vault, file, len);
		v = vault_open(l->dir, NULL, &l->why);
		assert_null(v);
		file[i] ^= 1;
	}
	for (i = 0; i < len; i++) {
		file_write(l->vault, file, i);
		v = vault_open(l->dir, NULL, &l->why);
		assert_null(v);
	}
	file_write(l->vault, file, len);
	assert_non_null(reopen(l));
}

/* The tag as the vault makes it, so that only the seals are left to object. */
static void
write_tagged(struct lab *l, const char *text, size_t len)
{
	static const char purpose[] = "gsr/vault/tag/v1";
	static char file[FILE_MAX];
	char key[FILE_MAX], hex[2 * HASH_BYTES + 1];
	uint8_t master[KEY_BYTES];
	struct hash h;

	file_read(l->key, key);
	assert_true(hex_parse(master, KEY_BYTES, slice_make(key, 64)));
	h = hash_keyed(slice_make(master, KEY_BYTES), purpose, strlen(purpose));
	h = hash_keyed(slice_make(h.bytes, HASH_BYTES), text, len);
	hex_write(hex, h.bytes, HASH_BYTES);
	len = (size_t)snprintf(file, sizeof(file), "%.*stag %s\n", (int)len,
	    text, hex);
	file_write(l->vault, file, len);
}

static void
refuses_swapped_names(void **state)
{
	struct lab *l = *state;
	static char file[FILE_MAX];
	char *first, *second;

	put(l, "aa", "1");
	put(l, "bb", "2");
	file_read(l->vault, file);
	*strstr(file, "tag ") = '\0';
	write_tagged(l, file, strlen(file));
	assert_non_null(reopen(l)); /* so the tag is right */
	first = strstr(file, "\naa ");
	second = strstr(file, "\nbb ");
	first[1] = first[2] = 'b';
	second[1] = second[2] = 'c';
	write_tagged(l, file, strlen(file));
	expect_refused(l, "altered");
}

/* What is in memory survives a file that went bad. */
static void
reload_keeps_the_good(void **state)
{
	struct lab *l = *state;
	struct secret *s = secret_new("x", 1);

	put(l, "a", "1");
	file_write(l->vault, "nonsense", 8);
	assert_false(vault_reload(l->v, &l->why));
	assert_false(vault_set(l->v, "b", s, &l->why));
	expect(l->v, "a", "1");
	secret_free(s);
}

static void
refuses_open_files(void **state)
{
	struct lab *l = *state;

	put(l, "a", "1");
	assert_int_equal(chmod(l->vault, 0640), 0);
	expect_refused(l, "open to group");
	assert_int_equal(chmod(l->vault, 0600), 0);
	assert_int_equal(chmod(l->key, 0604), 0);
	expect_refused(l, "open to group");
	assert_int_equal(chmod(l->key, 0400), 0);
	assert_non_null(reopen(l));
}

/* A crash before the rename leaves the old vault and some of the new one. */
static void
survives_a_crash_in_writing(void **state)
{
	struct lab *l = *state;
	static char file[FILE_MAX];
	size_t len;

	put(l, "a", "1");
	len = file_read(l->vault, file);
	file_write(l->spare, file, len / 2);
	assert_non_null(reopen(l));
	expect(l->v, "a", "1");
	put(l, "b", "2");
	assert_non_null(reopen(l));
	assert_int_equal(vault_count(l->v), 2);
	assert_int_equal(access(l->spare, F_OK), -1);
}

static void
two_writers_lose_nothing(void **state)
{
	struct lab *l = *state;
	struct vault *other = vault_open(l->dir, NULL, &l->why);
	struct secret *s = secret_new("2", 1);

	put(l, "a", "1");
	assert_true(vault_set(other, "b", s, &l->why));
	put(l, "c", "3");
	assert_int_equal(vault_count(l->v), 3);
	expect(l->v, "b", "2");
	secret_free(s);
	vault_close(other);
}

static void
reads_keys_of_all_kinds(void **state)
{
	struct lab *l = *state;
	char raw[KEY_BYTES], hex[2 * KEY_BYTES + 1], path[128];

	memset(raw, '\n', sizeof(raw));
	hex_write(hex, raw, sizeof(raw));
	file_write(l->key, raw, sizeof(raw));
	assert_non_null(reopen(l));
	put(l, "a", "1");
	file_write(l->key, hex, 64);
	assert_non_null(reopen(l));
	expect(l->v, "a", "1");
	file_write(l->key, hex, 63);
	expect_refused(l, "neither 32 bytes");
	/* By path, and from the service manager, before the state's own. */
	snprintf(path, sizeof(path), "%s/gsr-master-key", l->dir);
	file_write(path, raw, sizeof(raw));
	setenv("CREDENTIALS_DIRECTORY", l->dir, 1);
	assert_non_null(reopen(l));
	expect(l->v, "a", "1");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(chmod(path, 0600), 0);
	vault_close(l->v);
	l->v = vault_open(l->dir, path, &l->why);
	assert_non_null(l->v);
	expect(l->v, "a", "1");
	unlink(path);
	assert_null(vault_open(l->dir, path, &l->why));
}

static void
makes_no_key_for_an_old_vault(void **state)
{
	struct lab *l = *state;

	put(l, "a", "1");
	assert_true(vault_create(l->dir, &l->why));
	expect(l->v, "a", "1");
	unlink(l->key);
	assert_false(vault_create(l->dir, &l->why));
	expect_refused(l, "no master key");
}

#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(keeps_secrets),
		LAB_TEST(rotates_what_is_there_by_something_new),
		LAB_TEST(takes_any_bytes),
		LAB_TEST(removes),
		LAB_TEST(lists_without_showing),
		LAB_TEST(checks_names),
		LAB_TEST(refuses_another_key),
		LAB_TEST(refuses_any_altered_byte),
		LAB_TEST(refuses_swapped_names),
		LAB_TEST(reload_keeps_the_good),
		LAB_TEST(refuses_open_files),
		LAB_TEST(survives_a_crash_in_writing),
		LAB_TEST(two_writers_lose_nothing),
		LAB_TEST(reads_keys_of_all_kinds),
		LAB_TEST(makes_no_key_for_an_old_vault),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
