#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/command.h"

/* What the command saw, as its exit status tells it. */
struct seen_options {
	bool flag;
	const char *text;
	int64_t number;
	struct option_list list;
};

#define STATUS_AS_EXPECTED 42

static int
run_create(const void *options, int count, char *const *operands)
{
	const struct seen_options *o = options;

	if (!o->flag || o->text == NULL || strcmp(o->text, "a=b") != 0 ||
	    o->number != -5 || o->list.count != 2 ||
	    strcmp(o->list.items[1], "y") != 0)
		return 1;
	if (count != 2 || strcmp(operands[0], "NAME") != 0 ||
	    strcmp(operands[1], "--not-an-option") != 0)
		return 2;
	return STATUS_AS_EXPECTED;
}

static int
run_list(const void *options, int count, char *const *operands)
{
	const struct seen_options *o = options;

	(void)operands;
	return count == 0 && !o->flag && o->text == NULL && o->number == 0 &&
		       o->list.count == 0
		   ? STATUS_AS_EXPECTED
		   : 1;
}

static const struct option_spec create_options[] = {
	{ .name = "flag",
	    .type = OPTION_FLAG,
	    .offset = offsetof(struct seen_options, flag),
	    .help = "on" },
	{ .name = "text",
	    .value = "TEXT",
	    .type = OPTION_TEXT,
	    .offset = offsetof(struct seen_options, text),
	    .required = true,
	    .help = "words" },
	{ .name = "number",
	    .value = "N",
	    .type = OPTION_INT,
	    .offset = offsetof(struct seen_options, number),
	    .min = -5,
	    .max = 5,
	    .help = "from -5 to 5, and so many words that one line of the "
		    "terminal does not hold them" },
	{ .name = "each",
	    .value = "X",
	    .type = OPTION_LIST,
	    .offset = offsetof(struct seen_options, list),
	    .help = "some" },
};

static const struct command create = { .name = "token create",
	.operands = "NAME [MORE]",
	.summary = "make one",
	.text = "Makes a token that a caller of the node sends\n"
		"with each of its requests, and shows it once.  An ellipsis … "
		"is one\ncharacter.\n\n    as it is\n\n"
		"Example:  gsr-test token create ci --text a",
	.options = create_options,
	.options_count = count_of(create_options),
	.options_bytes = sizeof(struct seen_options),
	.operands_min = 1,
	.operands_max = 2,
	.run = run_create };
static const struct command list_all = { .name = "list",
	.summary = "list all",
	.options_bytes = sizeof(struct seen_options),
	.run = run_list };

static int
run_row(const void *row, const void *options)
{
	const struct seen_options *o = options;

	return strcmp(row, "second") == 0 && o->number == 3 ? STATUS_AS_EXPECTED
							    : 1;
}

static const struct command of_table = { .name = "rows",
	.summary = "one of a table",
	.options = &create_options[2],
	.options_count = 1,
	.options_bytes = sizeof(struct seen_options),
	.run_row = run_row,
	.row = "second" };
static const struct command *const commands[] = { &create, &list_all,
	&of_table };
static const struct chapter chapters[] = { { &create, "To begin" },
	{ &of_table, "To look up" } };
static const struct program program = { .name = "gsr-test",
	.about = "A test.",
	.version = "1.2.3",
	.commands = commands,
	.commands_count = count_of(commands),
	.chapters = chapters,
	.chapters_count = count_of(chapters) };

struct said {
	int status;
	char text[16384]; /* standard output and error */
};

static struct said
run(const char *const *words, int count)
{
	char *argv[16] = { (char *)"gsr-test" };
	int out = dup(1), err = dup(2), i;
	FILE *file = tmpfile();
	struct said said;
	size_t n;

	assert_non_null(file);
	for (i = 0; i < count; i++)
		argv[i + 1] = (char *)words[i];
	fflush(stdout);
	dup2(fileno(file), 1);
	dup2(fileno(file), 2);
	said.status = program_run(&program, count + 1, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	rewind(file);
	n = fread(said.text, 1, sizeof(said.text) - 1, file);
	said.text[n] = '\0';
	fclose(file);
	return said;
}

#define RUN(...)                                                               \
	run((const char *const[]){ __VA_ARGS__ },                              \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void
expect(struct said said, int status, const char *words)
{
	assert_int_equal(said.status, status);
	if (strstr(said.text, words) == NULL)
		fail_msg("expected: %s\nsaid: %s", words, said.text);
}

static void
values_land_in_the_struct(void **state)
{
	(void)state;
	assert_int_equal(RUN("token", "create", "--flag", "--text=a=b",
			     "--number", "-5", "--each", "x", "NAME",
			     "--each=y", "--", "--not-an-option")
			     .status,
	    STATUS_AS_EXPECTED);
	/* Each run begins with zeroes. */
	assert_int_equal(RUN("list").status, STATUS_AS_EXPECTED);
}

static void
usage_errors_say_what_would_be_right(void **state)
{
	(void)state;
	expect(RUN("lst"), 2,
	    "there is no command 'lst'; did you mean 'list'?");
	expect(RUN("token", "crate"), 2, "Which one: 'token create'?");
	expect(RUN("tokn", "create"), 2, "did you mean 'token create'?");
	expect(RUN("zzzzzz"), 2, "there is no command 'zzzzzz'\n");
	expect(RUN("list", "--x"), 2, "list: there is no option --x\n");
	expect(RUN("token", "create", "--txt", "a", "N"), 2,
	    "there is no option --txt; did you mean --text?");
	expect(RUN("token", "create", "N"), 2, "--text TEXT is missing");
	expect(RUN("token", "create", "--text", "a"), 2,
	    "NAME [MORE] is missing");
	expect(RUN("token", "create", "N", "--text"), 2,
	    "--text needs a value: TEXT");
	expect(RUN("token", "create", "--text", "a", "--text", "b", "N"), 2,
	    "--text is given twice");
	expect(RUN("token", "create", "--flag=yes", "--text", "a", "N"), 2,
	    "--flag takes no value");
	expect(RUN("token", "create", "--text", "a", "1", "2", "3"), 2,
	    "'3' is one too many");
	expect(RUN("list", "-x"), 2, "-x: options begin with --");
}

static void
numbers_are_checked(void **state)
{
	static const char *const bad[] = { "6", "-6", "x", "", "5x",
		"99999999999999999999" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++)
		expect(RUN("token", "create", "--text", "a", "N", "--number",
			   bad[i]),
		    2, "is no number from -5 to 5");
}

static void
help_comes_from_the_tables(void **state)
{
	struct said said;

	(void)state;
	expect(RUN("--help"), 0, "token create");
	expect(RUN("help"), 0, "list all");
	expect(RUN("--version"), 0, "gsr-test 1.2.3\n");
	said = RUN("token", "create", "--help");
	expect(said, 0, "usage: gsr-test token create [OPTIONS] NAME [MORE]");
	expect(said, 0, "--text TEXT");
	expect(said, 0, "words (required)");
	expect(said, 0, "some (may be repeated)");
	assert_string_equal(RUN("help", "token", "create").text, said.text);
	expect(RUN("help", "nothing"), 2, "there is no command 'nothing'");
	/* Nothing asked for is a mistake, with help. */
	said = run(NULL, 0);
	expect(said, 2, "usage: gsr-test COMMAND");
}

/* Words are broken at the edge; what is set by hand stays as it is. */
static void
help_fits_a_terminal(void **state)
{
	struct said said = RUN("token", "create", "--help");
	const char *line = said.text, *end;
	size_t width;

	(void)state;
	expect(said, 0,
	    "\nMakes a token that a caller of the node sends with each of "
	    "its requests, and\nshows it once.  An ellipsis … is one "
	    "character.\n\n    as it is\n\nExample:  ");
	expect(said, 0,
	    "  --number N                     from -5 to 5, and so many "
	    "words that one line\n"
	    "                                 of the terminal does not "
	    "hold them\n");
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		for (width = 0; line < end; line++)
			width += ((unsigned char)*line & 0xc0) != 0x80;
		assert_in_range(width, 0, 80);
	}
}

static void
completion_is_shell(void **state)
{
	struct said said = RUN("completion", "bash");
	FILE *shell;

	(void)state;
	expect(said, 0, "complete -o default -F _gsr_test gsr-test");
	expect(said, 0, "--number");
	shell = popen("bash -n", "w");
	assert_non_null(shell);
	fputs(said.text, shell);
	assert_int_equal(pclose(shell), 0);
}

/* As bash asks for it: what stands there, and at which word the cursor is. */
static void
assert_completes(const char *line, int at, const char *expected)
{
	struct said script = RUN("completion", "bash");
	char path[] = "/tmp/completion.XXXXXX", command[512], got[1024];
	int fd = mkstemp(path);
	FILE *bash;
	size_t n;

	assert_true(fd >= 0);
	n = strlen(script.text);
	assert_int_equal(write(fd, script.text, n), (ssize_t)n);
	close(fd);
	snprintf(command, sizeof(command),
	    "bash -c '. %s; COMP_WORDS=(%s); COMP_CWORD=%d; _gsr_test; "
	    "echo ${COMPREPLY[@]}'",
	    path, line, at);
	bash = popen(command, "r");
	assert_non_null(bash);
	n = fread(got, 1, sizeof(got) - 1, bash);
	got[n] = '\0';
	assert_int_equal(pclose(bash), 0);
	unlink(path);
	assert_string_equal(got, expected);
}

static void
bash_completes_words(void **state)
{
	(void)state;
	assert_completes("gsr-test \"\"", 1,
	    "token list rows help completion --help --version\n");
	assert_completes("gsr-test l", 1, "list\n");
	assert_completes("gsr-test token \"\"", 2, "create\n");
	assert_completes("gsr-test token create --n", 3, "--number\n");
	assert_completes("gsr-test token create --", 3,
	    "--help --flag --text --number --each\n");
	/* A value, and an operand: what files there are is the shell's. */
	assert_completes("gsr-test token create --text \"\"", 4, "\n");
	assert_completes("gsr-test token create \"\"", 3, "\n");
	assert_completes("gsr-test token create --flag --t", 4, "--text\n");
	assert_completes("gsr-test list \"\"", 2, "--help\n");
	assert_completes("gsr-test help l", 2, "list\n");
	assert_completes("gsr-test completion \"\"", 2, "bash zsh\n");
	assert_completes("gsr-test other \"\"", 2, "\n");
}

static void
zsh_has_what_words_mean(void **state)
{
	struct said said = RUN("completion", "zsh");

	(void)state;
	expect(said, 0, "#compdef gsr-test\n_gsr_test() {");
	expect(said, 0, "\tlist)\n");
	expect(said, 0, "seconds=( 'create:make one')");
	expect(said, 0, "'--text:words'");
	expect(said, 0, "'token:create' 'list:list all'");
	expect(said, 0, "compdef _gsr_test gsr-test\n");
	expect(RUN("completion", "fish"), 2, "");
}

static void
a_first_word_lists_its_commands(void **state)
{
	static const char text[] = "usage: gsr-test token WHAT [OPTIONS]\n\n"
				   "Commands:\n"
				   "  token create  make one\n\n"
				   "gsr-test token WHAT --help tells more.\n";

	(void)state;
	expect(RUN("token", "--help"), 0, text);
	expect(RUN("token", "-h"), 0, text);
	expect(RUN("help", "token"), 0, text);
	expect(RUN("list", "--help"), 0, "usage: gsr-test list\n");
	expect(RUN("nothing", "--help"), 2, "no command 'nothing'");
}

static void
help_has_chapters(void **state)
{
	(void)state;
	expect(RUN("--help"), 0,
	    "\nA test.\n\nTo begin:\n  token create       make one\n"
	    "  list               list all\n\n"
	    "To look up:\n  rows               one of a table\n");
}

static void
near_words_are_found(void **state)
{
	static const char *const words[] = { "validate", "verify", "sign",
		"api_key", "display_name" };
	static const char *const pairs[][2] = { { "validat", "validate" },
		{ "verfiy", "verify" }, { "singn", "sign" }, { "sing", "sign" },
		{ "apikey", "api_key" }, { "displayname", "display_name" },
		{ "reload", NULL }, { "x", NULL }, { "", NULL } };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(pairs); i++) {
		const char *near =
		    nearest_word(slice_of(pairs[i][0]), words, count_of(words));

		if (pairs[i][1] == NULL)
			assert_null(near);
		else
			assert_string_equal(near, pairs[i][1]);
	}
}

static void
a_command_of_a_table_gets_its_row(void **state)
{
	(void)state;
	assert_int_equal(RUN("rows", "--number", "3").status,
	    STATUS_AS_EXPECTED);
	expect(RUN("rows", "none"), 2, "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_land_in_the_struct),
		cmocka_unit_test(usage_errors_say_what_would_be_right),
		cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(help_comes_from_the_tables),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(completion_is_shell),
		cmocka_unit_test(bash_completes_words),
		cmocka_unit_test(zsh_has_what_words_mean),
		cmocka_unit_test(a_first_word_lists_its_commands),
		cmocka_unit_test(help_has_chapters),
		cmocka_unit_test(near_words_are_found),
		cmocka_unit_test(a_command_of_a_table_gets_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
