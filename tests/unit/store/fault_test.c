#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/store/fault.h"

/* As RocksDB words them. */
#define STALL "Incomplete: Write stall"
#define FULL  "IO error: No space left on device: While appending to file"
#define QUOTA "IO error: Disk quota exceeded: While appending to file"
#define DISK  "IO error: Input/output error: While fsync: 000012.log"
#define OTHER "Corruption: block checksum mismatch"

static void
an_error_says_what_passes(void **state)
{
	struct fault f;

	(void)state;
	fault_init(&f);
	assert_int_equal(fault_judge(&f, "test", NULL), DB_OK);
	assert_int_equal(fault_judge(&f, "test", STALL), DB_BUSY);
	assert_int_equal(fault_judge(&f, "test", FULL), DB_FAILED);
	assert_int_equal(fault_judge(&f, "test", QUOTA), DB_FAILED);
	assert_int_equal(fault_judge(&f, "test", OTHER), DB_FAILED);
}

/* Until one succeeds: a stall says nothing about the disk. */
static void
a_write_that_fails_is_remembered(void **state)
{
	struct fault f;

	(void)state;
	fault_init(&f);
	assert_false(fault_is_failing(&f));
	assert_int_equal(fault_judge_write(&f, STALL), DB_BUSY);
	assert_false(fault_is_failing(&f));
	assert_int_equal(fault_judge_write(&f, FULL), DB_FAILED);
	assert_true(fault_is_failing(&f));
	assert_int_equal(fault_judge_write(&f, STALL), DB_BUSY);
	assert_true(fault_is_failing(&f));
	assert_int_equal(fault_judge(&f, "read", NULL), DB_OK);
	assert_true(fault_is_failing(&f));
	assert_int_equal(fault_judge_write(&f, NULL), DB_OK);
	assert_false(fault_is_failing(&f));
}

static void
a_disk_that_fails_ends_the_process(void **state)
{
	struct fault f;
	pid_t child;
	int status;

	(void)state;
	fault_init(&f);
	child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		(void)fault_judge(&f, "test", DISK);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_says_what_passes),
		cmocka_unit_test(a_write_that_fails_is_remembered),
		cmocka_unit_test(a_disk_that_fails_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
