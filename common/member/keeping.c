#include "common/member/keeping.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/member/caretaker.h"
#include "common/member/clerk.h"
#include "common/member/process.h"
#include "common/store/custody.h"
#include "common/store/holdings.h"

#define ARENA_MAX (64 * 1024)
#define BUSY      "a run of retention or a backup is under way; try again\n"

static struct caretaker *
caretaker_of(const struct admin_call *call)
{
	return clerk_caretaker(call->process->clerk);
}

static enum output_format
format_of(const struct admin_call *call)
{
	return call->json ? OUTPUT_JSON : OUTPUT_TEXT;
}

int
keeping_status(struct admin_call *call)
{
	holdings_write(call->process->ledger, clock_wall_us(), format_of(call),
	    &call->out);
	if (!call->json) {
		buf_puts(&call->out, "the next run is due at ");
		cell_write(&call->out, CELL_TIME,
		    caretaker_next_us(caretaker_of(call)));
		buf_putc(&call->out, '\n');
	}
	return 200;
}

static int
begun(struct admin_call *call, enum care care)
{
	switch (care) {
	case CARE_BUSY:
		buf_puts(&call->out, BUSY);
		return 409;
	case CARE_DONE:
		buf_puts(&call->out, "begun\n");
		return 202;
	default:
		buf_puts(&call->out, "it could not be begun: its log says "
				     "why\n");
		return 500;
	}
}

static int
status_of(enum care care)
{
	static const int statuses[] = {
		[CARE_NONE] = 404,
		[CARE_BUSY] = 202,
		[CARE_DONE] = 200,
		[CARE_FAILED] = 500,
	};

	return statuses[care];
}

int
keeping_run(struct admin_call *call)
{
	bool dry = slice_is(admin_argument(call, "dry_run"), "yes");

	if (dry)
		admin_about(call, slice_of("dry run"));
	else
		log_info("retention is run", log_str("by", call->who));
	return begun(call, caretaker_run(caretaker_of(call), dry, call->who));
}

int
keeping_ran(struct admin_call *call)
{
	enum care care =
	    caretaker_ran(caretaker_of(call), format_of(call), &call->out);

	if (care == CARE_NONE)
		buf_puts(&call->out,
		    "retention was not run since this daemon started\n");
	return status_of(care);
}

int
keeping_holds(struct admin_call *call)
{
	struct legal_hold holds[LEGAL_HOLDS_MAX];
	size_t count =
	    custody_holds(ledger_custody(call->process->ledger), holds);

	legal_hold_list(holds, count, format_of(call), &call->out);
	return 200;
}

static struct legal_hold_wish
wish_of(struct admin_call *call, struct arena *arena)
{
	return (struct legal_hold_wish){
		.name = admin_text(call, arena, "name"),
		.why = admin_text(call, arena, "why"),
		.by = slice_of(call->who),
		.from = admin_text(call, arena, "from"),
		.to = admin_text(call, arena, "to"),
		.class = admin_text(call, arena, "class"),
		.now_us = clock_wall_us(),
	};
}

int
keeping_hold(struct admin_call *call)
{
	struct custody *custody = ledger_custody(call->process->ledger);
	struct legal_hold_wish wish;
	struct legal_hold hold;
	struct arena arena;
	bool made;

	arena_init(&arena, ARENA_MAX);
	wish = wish_of(call, &arena);
	admin_about(call, wish.name);
	made = legal_hold_make(&hold, &wish, &call->out) &&
	       custody_hold(custody, &hold, &call->out);
	arena_fini(&arena);
	if (!made)
		return 400;
	log_info("legal hold", log_str("hold", hold.name),
	    log_str("by", hold.by), log_str("why", hold.why));
	buf_printf(&call->out, "%s holds from now on\n", hold.name);
	return 200;
}

int
keeping_let_go(struct admin_call *call)
{
	struct custody *custody = ledger_custody(call->process->ledger);
	struct arena arena;
	struct slice name;
	bool gone;

	arena_init(&arena, ARENA_MAX);
	name = admin_text(call, &arena, "name");
	admin_about(call, name);
	gone = custody_let_go(custody, name, &call->out);
	if (gone) {
		log_info("legal hold removed", log_slice("hold", name),
		    log_str("by", call->who));
		buf_printf(&call->out, "%.*s holds nothing any more\n",
		    SLICE_FMT(name));
	}
	arena_fini(&arena);
	return gone ? 200 : 404;
}

/* The one who asks is this process's user: it may write where that may. */
int
keeping_copy(struct admin_call *call)
{
	struct arena arena;
	struct slice dir;
	int status;

	arena_init(&arena, ARENA_MAX);
	dir = admin_text(call, &arena, "dir");
	if (dir.len == 0 || dir.ptr[0] != '/') {
		buf_puts(&call->out, "'dir' is a path from the root\n");
		status = 400;
	} else {
		admin_about(call, dir);
		log_info("backup", log_slice("dir", dir),
		    log_str("by", call->who));
		status = begun(call, caretaker_copy(caretaker_of(call),
					 arena_text(&arena, dir), call->who));
	}
	arena_fini(&arena);
	return status;
}

int
keeping_copied(struct admin_call *call)
{
	enum care care = caretaker_copied(caretaker_of(call));

	if (care == CARE_FAILED)
		buf_puts(&call->out,
		    "the store could not be copied: the daemon's log says "
		    "why\n");
	if (care == CARE_NONE)
		buf_puts(&call->out,
		    "no backup was made since this daemon started\n");
	return status_of(care);
}
