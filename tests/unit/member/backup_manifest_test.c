#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/member/backup.h"

#define ZEROS                                                                  \
	"000000000000000000000000000000000000000000000000000000000000"         \
	"0000"
#define HEAD                                                                   \
	"{\"format\":1,\"mesh\":\"m\",\"member\":\"n\",\"role\":\"node\","     \
	"\"made_us\":7,\"files\":"

static void
put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
make_folder(char dir[64])
{
	strcpy(dir, "/tmp/manifest_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static void
remove_folder(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void
only_files_of_a_state_directory_are_named(void **state)
{
	static const char *const good[] = { "vault", "member.yaml",
		"identity.key", "store/CURRENT", "store/000012.sst",
		"store/OPTIONS-000007" };
	static const char *const bad[] = { "", "run.json", "store/", "store/.",
		"store/..", "store/../vault", "store/a/b", "/vault", "../vault",
		"store/.hidden", "store/a b", "stores/CURRENT", "VAULT" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(good); i++)
		assert_true(backup_manifest_name_ok(slice_of(good[i])));
	for (i = 0; i < count_of(bad); i++)
		assert_false(backup_manifest_name_ok(slice_of(bad[i])));
}

static void
what_no_backup_wrote_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ HEAD "[]}", "" },
		{ HEAD "[{\"name\":\"vault\",\"bytes\":1,\"hash\":\"" ZEROS
		       "\"}]}",
		    "" },
		{ "", "is not as a backup" },
		{ "[]", "is not as a backup" },
		{ "{\"format\":2}", "newer version" },
		{ HEAD "7}", "is not as a backup" },
		{ HEAD "[7]}", "is not as a backup" },
		{ HEAD
		    "[{\"name\":\"/etc/passwd\",\"bytes\":1,\"hash\":\"" ZEROS
		    "\"}]}",
		    "is not as a backup" },
		{ HEAD "[{\"name\":\"vault\",\"bytes\":\"1\",\"hash\":\"" ZEROS
		       "\"}]}",
		    "is not as a backup" },
		{ HEAD "[{\"name\":\"vault\",\"bytes\":1,\"hash\":\"00\"}]}",
		    "is not as a backup" },
	};
	struct backup_manifest m;
	struct buf why;
	char dir[64];
	size_t i;

	(void)state;
	make_folder(dir);
	buf_init(&why, 4096);
	for (i = 0; i < count_of(cases); i++) {
		buf_reset(&why);
		put(dir, BACKUP_MANIFEST, cases[i].text);
		assert_int_equal(backup_manifest_read(&m, dir, &why),
		    cases[i].says[0] == '\0');
		assert_non_null(strstr(buf_text(&why), cases[i].says));
		backup_manifest_fini(&m);
	}
	/* One that lists nothing is no state directory either. */
	put(dir, BACKUP_MANIFEST, HEAD "[]}");
	assert_false(backup_verify(dir, &m, &why));
	assert_non_null(strstr(buf_text(&why), "lacks member.yaml"));
	backup_manifest_fini(&m);
	buf_fini(&why);
	remove_folder(dir);
}

/* More than the room for the first of them. */
static void
many_files_come_back_as_they_were(void **state)
{
	enum { FILES = 200 };
	char dir[64], copy[64], name[64], path[128];
	struct backup_manifest m = { .mesh = "acme",
		.member = "payments",
		.made_us = 5 };
	struct backup_manifest read;
	struct buf why;
	int from, i;

	(void)state;
	make_folder(dir);
	make_folder(copy);
	snprintf(path, sizeof(path), "%s/store", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put(dir, "member.yaml", "m");
	put(dir, "seen.yaml", "s");
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "store/%06d.sst", i);
		put(dir, name, name);
	}
	from = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(from >= 0);
	buf_init(&why, 4096);
	assert_true(backup_manifest_add(&m, from, "member.yaml", &why));
	assert_true(backup_manifest_add(&m, from, "seen.yaml", &why));
	assert_true(backup_manifest_add_store(&m, from, &why));
	assert_int_equal(m.count, FILES + 2);
	assert_true(backup_manifest_write(&m, dir, &why));
	assert_false(backup_manifest_write(&m, dir, &why));
	assert_true(backup_verify(dir, &read, &why));
	assert_string_equal(read.member, "payments");
	assert_int_equal(read.count, m.count);
	assert_false(backup_has_identity(&read));
	backup_manifest_fini(&read);
	/* A directory that is empty is one that may be restored to. */
	assert_true(backup_restore(dir, copy, &read, &why));
	snprintf(path, sizeof(path), "%s/store/000199.sst", copy);
	assert_int_equal(access(path, F_OK), 0);
	backup_manifest_fini(&read);
	assert_false(backup_restore(dir, copy, &read, &why));
	assert_non_null(strstr(buf_text(&why), "is not empty"));
	backup_manifest_fini(&read);
	/* A link is no file, wherever it leads. */
	snprintf(path, sizeof(path), "%s/vault", dir);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_false(backup_manifest_add(&m, from, "vault", &why));
	close(from);
	backup_manifest_fini(&m);
	buf_fini(&why);
	remove_folder(dir);
	remove_folder(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_files_of_a_state_directory_are_named),
		cmocka_unit_test(what_no_backup_wrote_is_refused),
		cmocka_unit_test(many_files_come_back_as_they_were),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
