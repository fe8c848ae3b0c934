#include "common/member/linkage.h"

#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/command.h"
#include "common/base/version.h"
#include "common/format/table.h"
#include "common/member/admin.h"
#include "common/member/process.h"
#include "common/net/greeting.h"
#include "common/net/lookout.h"
#include "common/net/roster.h"
#include "common/net/tls.h"
#include "topology/load.h"

#define ARENA_MAX    ((size_t)32 * 1024 * 1024)
#define LINKS_MAX    8192 /* more nodes' lanes than one egress serves */
#define STATE_ABSENT "absent"

/* A link, or a member that has none and should. */
struct line {
	struct beacon_look look;
	bool absent;
};

struct linkage {
	struct topology *topology; /* held */
	struct slice only;         /* of this peer; empty: all */
	struct line *lines;
	size_t count;
	struct beacon_end ended[LOOKOUT_ENDS_MAX], refused[LOOKOUT_ENDS_MAX];
	size_t ended_count, refused_count;
	struct arena arena;
};

static bool
is_wanted(const struct linkage *lk, const char *peer)
{
	return lk->only.len == 0 || slice_is(lk->only, peer);
}

static const struct beacon_end *
find_end(const struct beacon_end *ends, size_t count, struct slice peer)
{
	while (count-- > 0)
		if (slice_is(peer, ends[count].peer))
			return &ends[count];
	return NULL;
}

/* Nobody is there of that name: since when, and why, as far as is known. */
static void
add_absent(struct linkage *lk, struct slice name)
{
	struct line *line = &lk->lines[lk->count++];
	const struct beacon_end *ended =
	    find_end(lk->ended, lk->ended_count, name);
	const struct beacon_end *refused =
	    find_end(lk->refused, lk->refused_count, name);

	*line = (struct line){ .absent = true, .look = { .why = "" } };
	snprintf(line->look.peer, sizeof(line->look.peer), "%.*s",
	    SLICE_FMT(name));
	if (ended != NULL) {
		line->look.since_us = ended->at_us;
		line->look.why = ended->why;
	}
	/* It came back since, and was not let in. */
	if (refused != NULL && (ended == NULL || refused->at_us > ended->at_us))
		line->look.why = refused->why;
}

static bool
is_child(const struct topology *t, const struct member *m)
{
	size_t i;

	for (i = 0; i < m->parents_count; i++)
		if (slice_eq(m->parents[i], t->self->name))
			return true;
	return false;
}

static bool
is_linked(const struct linkage *lk, struct slice name)
{
	size_t i;

	for (i = 0; i < lk->count; i++)
		if (slice_is(name, lk->lines[i].look.peer))
			return true;
	return false;
}

static void
add_missing(struct linkage *lk)
{
	const struct mesh *mesh = &lk->topology->mesh;
	size_t i;

	for (i = 0; i < mesh->members_count; i++) {
		const struct member *m = &mesh->members[i];

		if (m->role == ROLE_NODE && is_child(lk->topology, m) &&
		    is_wanted(lk, m->name.ptr) && !is_linked(lk, m->name))
			add_absent(lk, m->name);
	}
}

static void
read_linkage(struct linkage *lk, struct admin_call *call)
{
	struct process *p = call->process;
	struct lookout *lo = roster_lookout(tls_roster(p->tls));
	struct beacon_look *looks;
	size_t count, i;

	*lk = (struct linkage){ .topology = process_topology(p),
		.only = admin_argument(call, "peer") };
	arena_init(&lk->arena, ARENA_MAX);
	looks = arena_many(&lk->arena, struct beacon_look, LINKS_MAX);
	count = lookout_links(lo, looks, LINKS_MAX);
	lk->lines = arena_many(&lk->arena, struct line,
	    count + lk->topology->mesh.members_count);
	for (i = 0; i < count; i++)
		if (is_wanted(lk, looks[i].peer))
			lk->lines[lk->count++] =
			    (struct line){ .look = looks[i] };
	lk->ended_count = lookout_ends(lo, lk->ended, true);
	lk->refused_count = lookout_ends(lo, lk->refused, false);
	if (p->app->role == ROLE_EGRESS)
		add_missing(lk);
}

static const char *
state_of(const struct line *line)
{
	return line->absent ? STATE_ABSENT
			    : beacon_state_name(line->look.state);
}

static bool
is_up(const struct line *line)
{
	return !line->absent && (line->look.state == BEACON_UP ||
				    line->look.state == BEACON_DRAINING);
}

static bool
same(const struct hash *a, const struct hash *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * A link tells the files that its ends had when it came up: who loaded others
 * since, and whose peer did, too, had the same then.
 */
static const char *
topology_of(const struct linkage *lk, const struct line *line)
{
	const struct beacon_look *look = &line->look;

	if (!is_up(line))
		return "";
	if (same(&look->topology, &lk->topology->mesh_hash))
		return "same";
	return same(&look->topology, &look->our_topology) ? "same before"
							  : "differs";
}

static int64_t
wait_of(const struct line *line)
{
	if (line->absent || line->look.state != BEACON_WAITING)
		return 0;
	return max_i64(0, line->look.next_us - clock_wall_us());
}

static void
put_line(struct table *t, const struct linkage *lk, const struct line *line)
{
	const struct beacon_look *look = &line->look;
	const struct beacon_figures *f = &look->figures;

	table_text(t, slice_of(look->peer));
	table_text(t, slice_of(look->egress ? "egress" : "node"));
	table_int(t,
	    look->dialled || line->absent ? look->lane : look->peer_lane);
	table_text(t, slice_of(state_of(line)));
	table_int(t, look->since_us);
	table_int(t, wait_of(line));
	table_int(t, f->rtt_us);
	table_int(t, f->streams);
	table_int(t, f->streams_total);
	table_int(t, f->bytes_in);
	table_int(t, f->bytes_out);
	table_int(t, f->queued_bytes);
	table_int(t, look->downs);
	table_text(t, slice_of(topology_of(lk, line)));
	table_text(t, slice_of(look->why));
}

static void
write_refused(const struct linkage *lk, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "not let in", CELL_TEXT },
		{ "last", CELL_TIME },
		{ "times", CELL_INT },
		{ "why", CELL_TEXT },
	};
	struct table t;
	size_t i;

	if (lk->refused_count == 0)
		return;
	buf_putc(out, '\n');
	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = lk->refused_count; i-- > 0;) {
		const struct beacon_end *end = &lk->refused[i];

		if (!is_wanted(lk, end->peer))
			continue;
		table_text(&t, slice_of(end->peer));
		table_int(&t, end->at_us);
		table_int(&t, end->count);
		table_text(&t, slice_of(end->why));
	}
	table_close(&t);
}

static void
write_text(const struct linkage *lk, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "peer", CELL_TEXT },
		{ "role", CELL_TEXT },
		{ "lane", CELL_INT },
		{ "state", CELL_TEXT },
		{ "since", CELL_TIME },
		{ "next try in", CELL_US },
		{ "round trip", CELL_US },
		{ "streams", CELL_INT },
		{ "so far", CELL_INT },
		{ "in", CELL_BYTES },
		{ "out", CELL_BYTES },
		{ "queued", CELL_BYTES },
		{ "lost", CELL_INT },
		{ "topology", CELL_TEXT },
		{ "why", CELL_TEXT },
	};
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < lk->count; i++)
		put_line(&t, lk, &lk->lines[i]);
	table_close(&t);
	write_refused(lk, out);
}

static void
field_time(struct json_writer *w, const char *name, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	json_key(w, name);
	if (wall_us <= 0) {
		json_put_null(w);
		return;
	}
	clock_write(wall_us, text);
	json_put_text(w, slice_of(text));
}

/* Of a peer that is not up: null. */
static void
field_hex(struct json_writer *w, const char *name, const void *bytes,
    size_t len)
{
	char text[2 * HASH_BYTES + 1];

	json_key(w, name);
	if (bytes == NULL) {
		json_put_null(w);
		return;
	}
	hex_write(text, bytes, len);
	json_put_text(w, slice_of(text));
}

static void
json_line(struct json_writer *w, const struct linkage *lk,
    const struct line *line)
{
	const struct beacon_look *look = &line->look;
	const struct beacon_figures *f = &look->figures;
	bool up = is_up(line);

	json_open(w, '{');
	json_field_text(w, "peer", slice_of(look->peer));
	json_field_text(w, "role", slice_of(look->egress ? "egress" : "node"));
	json_field_bool(w, "dialled", look->dialled);
	json_field_int(w, "lane", look->lane);
	json_field_int(w, "peer_lane", look->peer_lane);
	json_field_text(w, "state", slice_of(state_of(line)));
	field_time(w, "since", look->since_us);
	json_field_int(w, "next_try_us", wait_of(line));
	json_field_text(w, "why", slice_of(look->why));
	json_field_int(w, "lost", look->downs);
	json_field_int(w, "rtt_us", f->rtt_us);
	json_field_int(w, "streams", f->streams);
	json_field_int(w, "streams_total", f->streams_total);
	json_field_int(w, "bytes_in", f->bytes_in);
	json_field_int(w, "bytes_out", f->bytes_out);
	json_field_int(w, "queued_bytes", f->queued_bytes);
	field_hex(w, "topology", up ? look->topology.bytes : NULL, HASH_BYTES);
	json_field_text(w, "topology_is", slice_of(topology_of(lk, line)));
	field_hex(w, "boot", up ? look->boot.bytes : NULL, ID_BYTES);
	json_close(w, '}');
}

static void
write_json(const struct linkage *lk, const struct process *p, struct buf *out)
{
	struct json_writer w = { .out = out };
	size_t i;

	json_open(&w, '{');
	json_field_text(&w, "member", slice_of(p->identity.name));
	json_field_text(&w, "version", slice_of(GSR_VERSION));
	json_field_int(&w, "protocol", GREETING_VERSION);
	field_hex(&w, "topology", lk->topology->mesh_hash.bytes, HASH_BYTES);
	json_key(&w, "links");
	json_open(&w, '[');
	for (i = 0; i < lk->count; i++)
		json_line(&w, lk, &lk->lines[i]);
	json_close(&w, ']');
	json_key(&w, "refused");
	json_open(&w, '[');
	for (i = lk->refused_count; i-- > 0;) {
		const struct beacon_end *end = &lk->refused[i];

		if (!is_wanted(lk, end->peer))
			continue;
		json_open(&w, '{');
		json_field_text(&w, "peer", slice_of(end->peer));
		field_time(&w, "at", end->at_us);
		json_field_int(&w, "count", end->count);
		json_field_text(&w, "why", slice_of(end->why));
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	buf_putc(out, '\n');
}

static void
put_unknown(struct linkage *lk, struct buf *out)
{
	const struct mesh *mesh = &lk->topology->mesh;
	const char **names =
	    arena_many(&lk->arena, const char *, mesh->members_count);
	const char *near;
	size_t i;

	for (i = 0; i < mesh->members_count; i++)
		names[i] = mesh->members[i].name.ptr;
	near = nearest_word(lk->only, names, mesh->members_count);
	buf_printf(out, "no link to '%.*s'", SLICE_FMT(lk->only));
	if (near != NULL)
		buf_printf(out, "; is it '%s'?", near);
	buf_putc(out, '\n');
}

int
linkage_serve(struct admin_call *call)
{
	struct linkage lk;
	int status = 200;

	read_linkage(&lk, call);
	if (lk.only.len > 0 && lk.count == 0) {
		put_unknown(&lk, &call->out);
		status = 404;
	} else if (call->json)
		write_json(&lk, call->process, &call->out);
	else
		write_text(&lk, &call->out);
	arena_fini(&lk.arena);
	topology_release(lk.topology);
	return status;
}
