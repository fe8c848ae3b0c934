#include "node/policy/guest.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <engine.h>
#include <engine_names.h>

#include "common/base/memory.h"
#include "node/policy/alarm.h"

/*
 * The engine's memory, in this build of it (scripts/engine knows its hash):
 *
 *   0           constants and static variables
 *   STACK_LOW   the engine's own stack, growing down from STACK_HIGH
 *   STACK_HIGH  the heap, growing up as import_grow is called
 *
 * The image is the first and the last part: what lies below a stack pointer
 * is nobody's.
 */
#define GUEST_MAGIC 0x67756573 /* "gues" */
#define PAGE_BYTES  65536u
#define STACK_HIGH  5333088u
#define STACK_LOW   (STACK_HIGH - (5u << 20))
/* Whole pages of it: what is given back. */
#define STACK_FIRST_PAGE                                                       \
	((STACK_LOW + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES)
#define STACK_LAST_PAGE (STACK_HIGH / PAGE_BYTES * PAGE_BYTES)
/* Above what values may take: the malloc's own, the source, the question. */
#define SLACK_BYTES ((size_t)2 << 20)
/* Of the engine's stack; it bounds the thread's, too. */
#define RECURSION_BYTES 131072u
/* More than that above the image goes back to the kernel after a run. */
#define TIDY_BYTES ((size_t)256 << 10)

#define JUMP_FULL (GUEST_FULL + 1)
#define JUMP_TRAP (GUEST_TRAPPED + 1)

/* What the engine's imports are given. */
struct engine_imports {
	wasm_rt_memory_t memory;
	int64_t now_ms;
};

struct guest {
	unsigned magic;
	struct engine_imports imports;
	Z_engine_instance_t engine;
	struct alarm alarm;
	size_t memory_bytes, mapped_bytes;
	uint8_t *image; /* [0, STACK_LOW), then [STACK_HIGH, image_size) */
	u32 image_size, image_g0;
	u32 runtime, context;
	bool refused; /* there were no timers */
};

/* Whose code runs in this thread: the engine's traps do not say. */
static _Thread_local struct guest *inside;

/*** What the generated code calls. */

void
wasm_rt_trap(wasm_rt_trap_t trap)
{
	(void)trap;
	inside->alarm.armed = 0;
	siglongjmp(inside->alarm.back, JUMP_TRAP);
}

bool
wasm_rt_is_initialized(void)
{
	return true;
}

/* A number for each signature: the parameters as digits, then the result. */
uint32_t
wasm_rt_register_func_type(uint32_t params, uint32_t results, ...)
{
	uint32_t number = 0, i;
	va_list types;

	assert(params <= 13 && results <= 1);
	va_start(types, results);
	for (i = 0; i < params; i++)
		number = number * 4 + 1 + va_arg(types, uint32_t);
	number = number * 5 + (results > 0 ? 1 + va_arg(types, uint32_t) : 0);
	va_end(types);
	return number;
}

void
wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table,
    uint32_t elements, uint32_t max_elements)
{
	table->data = xcalloc(elements, sizeof(*table->data));
	table->size = elements;
	table->max_size = max_elements;
}

void
wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table)
{
	free(table->data);
}

wasm_rt_memory_t *
import_memory(struct engine_imports *i)
{
	return &i->memory;
}

/* The heap wants to end at `bytes`. */
u32
import_grow(struct engine_imports *i, u32 bytes)
{
	u32 pages = bytes / PAGE_BYTES + (bytes % PAGE_BYTES != 0);

	if (pages > i->memory.max_pages)
		return 0;
	if (pages > i->memory.pages) {
		i->memory.pages = pages;
		i->memory.size = pages * PAGE_BYTES;
	}
	return 1;
}

f64
import_now(struct engine_imports *i)
{
	return (f64)i->now_ms;
}

static void
put_u32(struct engine_imports *i, u32 at, u32 value)
{
	if ((uint64_t)at + sizeof(value) > i->memory.size)
		wasm_rt_trap(WASM_RT_TRAP_OOB);
	memcpy(i->memory.data + at, &value, sizeof(value));
}

/* All time is UTC: a struct tm without an offset is all that it asks for. */
void
import_localtime(struct engine_imports *i, u64 seconds, u32 tm)
{
	u32 at;

	(void)seconds;
	for (at = 0; at < 40; at += 4)
		put_u32(i, tm + at, 0);
}

void
import_time_zone(struct engine_imports *i, u32 offset, u32 summer, u32 name,
    u32 summer_name)
{
	put_u32(i, offset, 0);
	put_u32(i, summer, 0);
	put_u32(i, name, 0x435455); /* "UTC" */
	put_u32(i, summer_name, 0x435455);
}

/*
 * The rest of what it could ask of a system: there is none.  Numbers are
 * WASI's errors.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define BAD_DESCRIPTOR 8
#define NOT_SUPPORTED  52

u32
import_environment_sizes(struct engine_imports *i, u32 count, u32 bytes)
{
	put_u32(i, count, 0);
	put_u32(i, bytes, 0);
	return 0;
}

u32
import_environment_get(struct engine_imports *i, u32 list, u32 text)
{
	return 0;
}

u32
import_write(struct engine_imports *i, u32 fd, u32 pieces, u32 count,
    u32 written)
{
	return BAD_DESCRIPTOR;
}

u32
import_close(struct engine_imports *i, u32 fd)
{
	return BAD_DESCRIPTOR;
}

u32
import_seek(struct engine_imports *i, u32 fd, u64 offset, u32 whence, u32 at)
{
	return BAD_DESCRIPTOR;
}

u32
import_set_timer(struct engine_imports *i, u32 which, f64 ms)
{
	return NOT_SUPPORTED;
}

void
import_keep_alive_clear(struct engine_imports *i)
{
}

void
import_abort(struct engine_imports *i)
{
	wasm_rt_trap(WASM_RT_TRAP_UNREACHABLE);
}

void
import_exit(struct engine_imports *i, u32 status)
{
	import_abort(i);
}

void
import_assert_fail(struct engine_imports *i, u32 what, u32 file, u32 line,
    u32 function)
{
	import_abort(i);
}

/* Functions of a host, modules of a host: nothing here makes any. */
u32
import_host_call(struct engine_imports *i, u32 context, u32 this, u32 count,
    u32 arguments, u32 function)
{
	import_abort(i);
	return 0;
}

u32
import_host_interrupt(struct engine_imports *i, u32 runtime)
{
	return 0;
}

u32
import_host_module(struct engine_imports *i, u32 runtime, u32 context, u32 name)
{
	import_abort(i);
	return 0;
}

u32
import_host_module_name(struct engine_imports *i, u32 runtime, u32 context,
    u32 base, u32 name)
{
	return import_host_module(i, runtime, context, name);
}

void
import_host_free(struct engine_imports *i, u32 runtime, u32 id)
{
}
#pragma GCC diagnostic pop

/*** Its memory. */

static u32
pages_of(size_t bytes)
{
	return (u32)((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
}

static uint8_t *
map_memory(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert(at != MAP_FAILED);
	return at;
}

/* From one page's start to another's: to the kernel, and zero from now on. */
static void
give_back(struct guest *g, size_t from, size_t to)
{
	uint8_t *at = g->imports.memory.data + from;

	/* Not where memory is locked, or pages are larger than the wasm's. */
	if (madvise(at, to - from, MADV_DONTNEED) != 0)
		memset(at, 0, to - from);
}

/* What a run left above the image becomes zero, as a new heap's is. */
static void
clear_above(struct guest *g)
{
	wasm_rt_memory_t *m = &g->imports.memory;
	size_t used = m->size - g->image_size;

	if (used > TIDY_BYTES)
		give_back(g, g->image_size, m->size);
	else
		memset(m->data + g->image_size, 0, used);
	m->size = g->image_size;
	m->pages = g->image_size / PAGE_BYTES;
}

static void
restore(struct guest *g)
{
	uint8_t *data = g->imports.memory.data;

	if (g->image == NULL)
		return;
	clear_above(g);
	memcpy(data, g->image, STACK_LOW);
	memcpy(data + STACK_HIGH, g->image + STACK_LOW,
	    g->image_size - STACK_HIGH);
	g->engine.w2c_g0 = g->image_g0;
}

void
guest_keep(struct guest *g)
{
	const wasm_rt_memory_t *m = &g->imports.memory;

	assert(g->magic == GUEST_MAGIC && g->image == NULL);
	g->image_size = m->size;
	g->image_g0 = g->engine.w2c_g0;
	g->image = xmalloc(STACK_LOW + m->size - STACK_HIGH);
	memcpy(g->image, m->data, STACK_LOW);
	memcpy(g->image + STACK_LOW, m->data + STACK_HIGH,
	    m->size - STACK_HIGH);
}

void
guest_rest(struct guest *g)
{
	if (g->image != NULL)
		clear_above(g);
}

/* After a kill anything may have been written: the stack goes back, too. */
static void
give_all_back(struct guest *g)
{
	if (g->image == NULL)
		return;
	give_back(g, STACK_FIRST_PAGE, STACK_LAST_PAGE);
	give_back(g, g->image_size, g->imports.memory.size);
	clear_above(g);
}

struct slice
guest_text(const struct guest *g, guest_ref at)
{
	const wasm_rt_memory_t *m = &g->imports.memory;
	const char *text = (const char *)m->data + at;

	if (at == 0 || at >= m->size)
		return slice_make(NULL, 0);
	return slice_make(text, strnlen(text, m->size - at));
}

/*** Running it. */

static void
take_types(void)
{
	Z_engine_init_module();
}

struct guest *
guest_new(size_t memory_bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct guest *g = xcalloc(1, sizeof(*g));
	wasm_rt_memory_t *m = &g->imports.memory;

	assert(memory_bytes >= GUEST_MEMORY_MIN &&
	       memory_bytes <= GUEST_MEMORY_MAX);
	pthread_once(&once, take_types);
	g->magic = GUEST_MAGIC;
	g->memory_bytes = memory_bytes;
	alarm_init(&g->alarm);
	m->max_pages = pages_of(STACK_HIGH + memory_bytes + SLACK_BYTES);
	g->mapped_bytes = (size_t)m->max_pages * PAGE_BYTES;
	m->data = map_memory(g->mapped_bytes);
	m->pages = pages_of(STACK_HIGH);
	m->size = m->pages * PAGE_BYTES;
	Z_engine_instantiate(&g->engine, &g->imports);
	assert(g->engine.w2c_g0 == STACK_HIGH);
	return g;
}

void
guest_free(struct guest *g)
{
	if (g == NULL)
		return;
	assert(g->magic == GUEST_MAGIC);
	alarm_fini(&g->alarm);
	Z_engine_free(&g->engine);
	munmap(g->imports.memory.data, g->mapped_bytes);
	free(g->image);
	free(g);
}

/* Recursion that the engine allows must end in it, not in a guard page. */
static bool
stack_is_enough(void)
{
	pthread_attr_t attr;
	size_t bytes = 0;
	void *low = NULL;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return false;
	if (pthread_attr_getstack(&attr, &low, &bytes) != 0)
		low = NULL;
	pthread_attr_destroy(&attr);
	return low != NULL &&
	       (uintptr_t)__builtin_frame_address(0) - (uintptr_t)low >=
		   GUEST_STACK_BYTES;
}

static void
work(struct guest *g, const struct guest_turn *turn)
{
	g->refused = !alarm_arm(&g->alarm, turn->cpu_us, turn->wall_us);
	if (!g->refused)
		turn->work(g, turn->arg);
	g->alarm.armed = 0;
}

/* Nothing but the jump happens in the frame that is jumped to. */
static enum guest_end
enter(struct guest *g, const struct guest_turn *turn)
{
	switch (sigsetjmp(g->alarm.back, 0)) {
	case 0:
		work(g, turn);
		return g->refused ? GUEST_NOT_RUN : GUEST_ENDED;
	case JUMP_FULL:
		return GUEST_FULL;
	case JUMP_TRAP:
		return GUEST_TRAPPED;
	default:
		return GUEST_KILLED;
	}
}

enum guest_end
guest_run(struct guest *g, const struct guest_turn *turn)
{
	enum guest_end end;

	assert(g->magic == GUEST_MAGIC && inside == NULL);
	if (!alarm_is_ours(&g->alarm) && !stack_is_enough())
		return GUEST_NOT_RUN;
	restore(g);
	g->imports.now_ms = turn->now_ms;
	inside = g;
	end = enter(g, turn);
	inside = NULL;
	alarm_disarm(&g->alarm);
	if (end != GUEST_ENDED)
		give_all_back(g);
	return end;
}

void
guest_start(struct guest *g)
{
	Z_engine_instance_t *e = &g->engine;

	QTS_start(e);
	g->runtime = QTS_NewRuntime(e);
	QTS_RuntimeSetMemoryLimit(e, g->runtime, (u32)g->memory_bytes);
	QTS_RuntimeSetMaxStackSize(e, g->runtime, RECURSION_BYTES);
	g->context = QTS_NewContext(e, g->runtime, 0);
}

static void
leave(struct guest *g, int jump)
{
	g->alarm.armed = 0;
	siglongjmp(g->alarm.back, jump);
}

static u32
room(struct guest *g, size_t bytes)
{
	wasm_rt_memory_t *m = &g->imports.memory;
	u32 at = bytes < m->size ? QTS_malloc(&g->engine, (u32)bytes) : 0;

	if (at == 0)
		leave(g, JUMP_FULL);
	if (at > m->size || bytes > m->size - at)
		leave(g, JUMP_TRAP);
	return at;
}

/* The characters and a NUL, as the engine wants them. */
static u32
put(struct guest *g, struct slice text)
{
	u32 at = room(g, text.len + 1);
	uint8_t *to = g->imports.memory.data + at;

	if (text.len > 0)
		memcpy(to, text.ptr, text.len);
	to[text.len] = '\0';
	return at;
}

guest_ref
guest_string(struct guest *g, struct slice text)
{
	return QTS_NewString(&g->engine, g->context, put(g, text));
}

guest_ref
guest_number(struct guest *g, double number)
{
	return QTS_NewFloat64(&g->engine, g->context, number);
}

guest_ref
guest_undefined(struct guest *g)
{
	return QTS_GetUndefined(&g->engine);
}

guest_ref
guest_eval(struct guest *g, struct slice source, const char *name,
    enum guest_source kind)
{
	u32 code = put(g, source), file = put(g, slice_of(name));

	return QTS_Eval(&g->engine, g->context, code, (u32)source.len, file, 0,
	    kind == GUEST_MODULE);
}

guest_ref
guest_call(struct guest *g, guest_ref function, const guest_ref *arguments,
    uint32_t count)
{
	u32 list, i;

	assert(count <= GUEST_ARGUMENTS_MAX);
	list = room(g, GUEST_ARGUMENTS_MAX * sizeof(u32));
	for (i = 0; i < count; i++)
		put_u32(&g->imports, list + i * (u32)sizeof(u32), arguments[i]);
	return QTS_Call(&g->engine, g->context, function,
	    QTS_GetUndefined(&g->engine), count, list);
}

guest_ref
guest_error(struct guest *g, guest_ref value)
{
	return QTS_ResolveException(&g->engine, g->context, value);
}

guest_ref
guest_characters(struct guest *g, guest_ref value)
{
	return QTS_GetString(&g->engine, g->context, value);
}
