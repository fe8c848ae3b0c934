#include "common/base/completion.h"

#include <stdio.h>
#include <string.h>

#include "common/base/command.h"

#define FUNCTION_MAX 64

/* The length of a command's first word. */
static size_t
first_of(const struct command *c)
{
	return strcspn(c->name, " ");
}

/* Its second word, or NULL. */
static const char *
second_of(const struct command *c)
{
	const char *space = strchr(c->name, ' ');

	return space != NULL ? space + 1 : NULL;
}

static bool
same_first(const struct command *a, const struct command *b)
{
	return first_of(a) == first_of(b) &&
	       strncmp(a->name, b->name, first_of(a)) == 0;
}

/* Is it the first of the table that begins so? */
static bool
is_new(const struct program *p, size_t index)
{
	size_t i;

	for (i = 0; i < index; i++)
		if (same_first(p->commands[i], p->commands[index]))
			return false;
	return true;
}

/* One function for each program: a dash may not be in its name. */
static void
write_function(const struct program *p, char function[FUNCTION_MAX])
{
	char *dash;

	snprintf(function, FUNCTION_MAX, "_%s", p->name);
	while ((dash = strchr(function, '-')) != NULL)
		*dash = '_';
}

/* The options, and those of them that a value follows. */
static void
bash_options(const struct command *c)
{
	size_t i;

	printf("words=\"--help");
	for (i = 0; i < c->options_count; i++)
		printf(" --%s", c->options[i].name);
	printf("\" values=\"");
	for (i = 0; i < c->options_count; i++)
		if (c->options[i].type != OPTION_FLAG)
			printf(" --%s", c->options[i].name);
	printf("\" operands=%d ;;\n", c->operands_max);
}

/* What may follow one first word. */
static void
bash_first(const struct program *p, size_t index)
{
	const struct command *head = p->commands[index], *c;
	size_t i;

	printf("\t%.*s)\n\t\tseconds=\"", (int)first_of(head), head->name);
	for (i = index; i < p->commands_count; i++)
		if (same_first(p->commands[i], head) &&
		    second_of(p->commands[i]) != NULL)
			printf(" %s", second_of(p->commands[i]));
	printf("\"\n\t\tcase \"${COMP_WORDS[2]}\" in\n");
	for (i = index; i < p->commands_count; i++) {
		c = p->commands[i];
		if (!same_first(c, head) || second_of(c) == NULL)
			continue;
		printf("\t\t%s) at=3 ", second_of(c));
		bash_options(c);
	}
	for (i = index; i < p->commands_count; i++) {
		c = p->commands[i];
		if (!same_first(c, head) || second_of(c) != NULL)
			continue;
		printf("\t\t*) at=2 ");
		bash_options(c);
	}
	printf("\t\tesac ;;\n");
}

static void
print_firsts(const struct program *p)
{
	size_t i;

	for (i = 0; i < p->commands_count; i++)
		if (is_new(p, i))
			printf(" %.*s", (int)first_of(p->commands[i]),
			    p->commands[i]->name);
}

/* Words of a file's name are left to the shell (-o default). */
static void
print_bash(const struct program *p)
{
	char function[FUNCTION_MAX];
	size_t i;

	write_function(p, function);
	printf("%s() {\n"
	       "\tlocal here=\"${COMP_WORDS[COMP_CWORD]}\"\n"
	       "\tlocal before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
	       "\tlocal firsts=\"",
	    function);
	print_firsts(p);
	printf(" help completion\"\n"
	       "\tlocal seconds='' words='' values='' operands=0 at=0\n"
	       "\tcase \"${COMP_WORDS[1]}\" in\n");
	for (i = 0; i < p->commands_count; i++)
		if (is_new(p, i))
			bash_first(p, i);
	printf("\thelp) seconds=\"$firsts\" ;;\n"
	       "\tcompletion) seconds='bash zsh' ;;\n"
	       "\tesac\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
	       "\t\twords=\"$firsts --help --version\"\n"
	       "\telif [[ $COMP_CWORD -eq 2 && -n $seconds ]]; then\n"
	       "\t\twords=\"$seconds $words\"\n"
	       "\telif [[ $at -eq 0 || \" $values \" == *\" $before \"* ]]; "
	       "then\n"
	       "\t\treturn\n"
	       "\telif [[ $here != -* && $operands -gt 0 ]]; then\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$here\"))\n"
	       "}\n"
	       "complete -o default -F %s %s\n",
	    function, p->name);
}

/* Between single quotes; a colon parts the word from what it means. */
static void
zsh_entry(const char *dashes, const char *word, size_t len, const char *help)
{
	printf(" '%s%.*s:", dashes, (int)len, word);
	for (; *help != '\0'; help++)
		if (*help == '\'')
			printf("'\\''");
		else
			putchar(*help == '\n' ? ' ' : *help);
	putchar('\'');
}

static void
zsh_options(const struct command *c)
{
	size_t i;

	printf("options=(");
	zsh_entry("--", "help", strlen("help"), "tell more");
	for (i = 0; i < c->options_count; i++)
		zsh_entry("--", c->options[i].name, strlen(c->options[i].name),
		    c->options[i].help);
	printf(") ;;\n");
}

static void
zsh_first(const struct program *p, size_t index)
{
	const struct command *head = p->commands[index], *c;
	size_t i;

	printf("\t%.*s)\n\t\tseconds=(", (int)first_of(head), head->name);
	for (i = index; i < p->commands_count; i++) {
		c = p->commands[i];
		if (same_first(c, head) && second_of(c) != NULL)
			zsh_entry("", second_of(c), strlen(second_of(c)),
			    c->summary);
	}
	printf(")\n\t\tcase ${words[3]} in\n");
	for (i = index; i < p->commands_count; i++) {
		c = p->commands[i];
		if (!same_first(c, head) || second_of(c) == NULL)
			continue;
		printf("\t\t%s) ", second_of(c));
		zsh_options(c);
	}
	for (i = index; i < p->commands_count; i++) {
		c = p->commands[i];
		if (!same_first(c, head) || second_of(c) != NULL)
			continue;
		printf("\t\t*) ");
		zsh_options(c);
	}
	printf("\t\tesac ;;\n");
}

/* What a first word is for: the command, or the seconds that go with it. */
static void
zsh_firsts(const struct program *p)
{
	char help[512];
	size_t i, k, n;

	for (i = 0; i < p->commands_count; i++) {
		const struct command *head = p->commands[i];

		if (!is_new(p, i))
			continue;
		n = 0;
		help[0] = '\0';
		for (k = i; k < p->commands_count && n < sizeof(help); k++)
			if (same_first(p->commands[k], head))
				n += (size_t)snprintf(help + n,
				    sizeof(help) - n, "%s%s", n > 0 ? ", " : "",
				    second_of(p->commands[k]) != NULL
					? second_of(p->commands[k])
					: p->commands[k]->summary);
		zsh_entry("", head->name, first_of(head), help);
	}
}

static void
print_zsh(const struct program *p)
{
	char function[FUNCTION_MAX];
	size_t i;

	write_function(p, function);
	printf("#compdef %s\n"
	       "%s() {\n"
	       "\tlocal -a firsts seconds options\n"
	       "\tfirsts=(",
	    p->name, function);
	zsh_firsts(p);
	printf(" 'help:tell more of a command' "
	       "'completion:print a script for the shell')\n"
	       "\tcase ${words[2]} in\n");
	for (i = 0; i < p->commands_count; i++)
		if (is_new(p, i))
			zsh_first(p, i);
	printf("\thelp) seconds=(\"${firsts[@]}\") ;;\n"
	       "\tcompletion) seconds=('bash:for bash' 'zsh:for zsh') ;;\n"
	       "\tesac\n"
	       "\tif (( CURRENT == 2 )); then\n"
	       "\t\t_describe command firsts\n"
	       "\telif (( CURRENT == 3 && ${#seconds} )); then\n"
	       "\t\t_describe command seconds\n"
	       "\telif [[ ${words[CURRENT]} == -* ]]; then\n"
	       "\t\t_describe -o option options\n"
	       "\telse\n"
	       "\t\t_files\n"
	       "\tfi\n"
	       "}\n"
	       "compdef %s %s\n",
	    function, p->name);
}

bool
completion_print(const struct program *p, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		print_bash(p);
	else if (strcmp(shell, "zsh") == 0)
		print_zsh(p);
	else
		return false;
	return true;
}
