#include "topology/grammar.h"

#include "topology/keys.h"
#include "topology/mesh.h"

static const struct keyword member_keywords[] = {
	{ .name = "role",
	    .type = VALUE_ROLE,
	    .required = true,
	    AT(member, role),
	    .help = "node (a team's) or egress" },
	{ .name = "team",
	    .type = VALUE_NAME,
	    AT(member, team),
	    .help = "the team that a node belongs to" },
	{ .name = "address",
	    .type = VALUE_ADDRESS,
	    AT(member, address),
	    .help = "where nodes dial an egress" },
	{ .name = "parents",
	    .form = FORM_LIST,
	    .type = VALUE_NAME,
	    AT(member, parents),
	    COUNT(member, parents_count),
	    .inline_max = MEMBER_PARENTS_MAX,
	    .items_max = MEMBER_PARENTS_MAX,
	    .more = "a node has at most 4 parents",
	    .help = "egresses that a node dials, in order of preference" },
	{ .name = "keys",
	    .form = FORM_LIST,
	    .type = VALUE_KEY,
	    .required = true,
	    AT(member, keys),
	    COUNT(member, keys_count),
	    .inline_max = MEMBER_KEYS_MAX,
	    .items_max = MEMBER_KEYS_MAX,
	    .more = "a member has one key, or two while one is being rotated",
	    .placeholder = "enroll the member and put its stanza in: "
			   "gsr-topology add DIR < stanza",
	    .help = "the public keys that `enroll` printed" },
	{ .name = "region",
	    .type = VALUE_NAME,
	    AT(member, region),
	    .help = "where the member stands, and serves unless a provider "
		    "says another" },
};

const struct table member_table = { TABLE("a member", member_keywords, member),
	.key_type = VALUE_NAME };

static const struct keyword team_keywords[] = {
	{ .name = "signing_key",
	    .type = VALUE_KEY,
	    .required = true,
	    AT(team, signing_key),
	    .placeholder = "make one with gsr-topology keygen FILE",
	    .help = "the public key that signs the team's node files" },
	{ .name = "models",
	    .form = FORM_LIST,
	    .type = VALUE_GRANT,
	    AT(team, models),
	    COUNT(team, models_count),
	    .help = "what the team may use of the egresses; a * may stand at "
		    "the end" },
	{ .name = "allow",
	    .form = FORM_SET,
	    .type = VALUE_ALLOW,
	    AT(team, allow),
	    .help = "what its requests may ask for though it changes price, "
		    "region, routing or the account's state; else nothing" },
	{ .name = "regions",
	    .form = FORM_LIST,
	    .type = VALUE_NAME,
	    AT(team, regions),
	    COUNT(team, regions_count),
	    .help = "where the team's traffic may be served; else anywhere" },
	{ .name = "max_price",
	    .table = &price_ceiling_table,
	    AT(team, max_price),
	    .help = "the dearest models the team may use; else any" },
	LIMIT_KEYWORDS(team, "the team, kept at the egress"),
	{ .name = "weight",
	    .type = VALUE_INT,
	    .fallback = "1",
	    .min = 1,
	    .max = 1000,
	    AT(team, weight),
	    .help = "its share of a contended provider account, against the "
		    "other teams'" },
	{ .name = "cost_center",
	    .type = VALUE_TEXT,
	    AT(team, cost_center),
	    .help = "a word for reports: whom its usage is charged to" },
};

static const struct table team_table = { TABLE("a team", team_keywords, team),
	.key_type = VALUE_NAME };

static const struct keyword mesh_keywords[] = {
	{ .name = "mesh",
	    .type = VALUE_NAME,
	    .required = true,
	    AT(mesh, name),
	    .help = "the mesh's name" },
	{ .name = "members",
	    .form = FORM_MAP,
	    .table = &member_table,
	    .required = true,
	    AT(mesh, members),
	    COUNT(mesh, members_count),
	    .help = "the processes of the mesh by name" },
	{ .name = "teams",
	    .form = FORM_MAP,
	    .table = &team_table,
	    AT(mesh, teams),
	    COUNT(mesh, teams_count),
	    .help = "the teams and what each may do" },
	{ .name = "alerts", .later = true, .help = "where alarms go" },
	{ .name = "retention",
	    .later = true,
	    .help = "how long each class of rows is kept" },
};

const struct table mesh_table = { TABLE("mesh.yaml", mesh_keywords, mesh) };

/* What node and egress wait for alike. */
#define TIMEOUT_KEYWORDS                                                       \
	{ .name = "connect",                                                   \
		.type = VALUE_DURATION,                                        \
		.fallback = "10s",                                             \
		.min = 100,                                                    \
		.max = 60 * SECOND_MS,                                         \
		AT(timeouts, connect_ms),                                      \
		.help = "to reach the provider, TLS included" },               \
	    { .name = "first_byte",                                            \
		    .type = VALUE_DURATION,                                    \
		    .fallback = "5m",                                          \
		    .min = SECOND_MS,                                          \
		    .max = HOUR_MS,                                            \
		    AT(timeouts, first_byte_ms),                               \
		    .help = "from the request sent to the first byte of the "  \
			    "answer; "                                         \
			    "an answer that is no stream comes whole" },       \
	    { .name = "idle",                                                  \
		    .type = VALUE_DURATION,                                    \
		    .fallback = "2m",                                          \
		    .min = SECOND_MS,                                          \
		    .max = HOUR_MS,                                            \
		    AT(timeouts, idle_ms),                                     \
		    .help = "between two bytes of an answer" },                \
	{                                                                      \
		.name = "total", .type = VALUE_DURATION, .fallback = "10m",    \
		.min = SECOND_MS, .max = 24 * HOUR_MS, AT(timeouts, total_ms), \
		.help = "for the whole request"                                \
	}

static const struct keyword node_timeouts_keywords[] = {
	TIMEOUT_KEYWORDS,
	{ .name = "attempt",
	    .type = VALUE_DURATION,
	    .min = 100,
	    .max = 24 * HOUR_MS,
	    AT(timeouts, attempt_ms),
	    .help = "for one call of a provider, so that another target is "
		    "tried in time; else as long as the whole" },
};

static const struct table node_timeouts_table = { TABLE("timeouts",
    node_timeouts_keywords, timeouts) };

static const struct keyword egress_timeouts_keywords[] = { TIMEOUT_KEYWORDS };

static const struct table egress_timeouts_table = { TABLE("timeouts",
    egress_timeouts_keywords, timeouts) };

static const struct keyword tls_keywords[] = {
	{ .name = "cert",
	    .type = VALUE_PATH,
	    .required = true,
	    AT(tls_files, cert),
	    .help = "PEM: the member's certificate, then those above it" },
	{ .name = "key",
	    .type = VALUE_PATH,
	    .required = true,
	    AT(tls_files, key),
	    .help = "PEM: its key, without a password, and not readable by "
		    "everybody" },
};

static const struct table tls_table = { TABLE("tls", tls_keywords, tls_files) };

/* What node and egress files say alike, in structs that differ. */
#define EDGE_KEYWORDS(file, waits)                                             \
	{ .name = "admin_listen",                                              \
		.type = VALUE_LISTEN,                                          \
		.fallback = "127.0.0.1:0",                                     \
		AT(file, admin_listen),                                        \
		.help = "for admin tokens: metrics, reports; port 0 is any; "  \
			"beyond this machine with admin_tls only" },           \
	    { .name = "admin_tls",                                             \
		    .table = &tls_table,                                       \
		    AT(file, admin_tls),                                       \
		    .help = "who comes to admin_listen comes by HTTPS; read "  \
			    "again at each reload" },                          \
	    { .name = "timeouts",                                              \
		    .table = &(waits),                                         \
		    AT(file, timeouts),                                        \
		    .help = "of requests to providers" },                      \
	    { .name = "max_body",                                              \
		    .type = VALUE_SIZE,                                        \
		    .fallback = "32MiB",                                       \
		    .min = KIB,                                                \
		    .max = GIB,                                                \
		    AT(file, max_body_bytes),                                  \
		    .help = "the largest request" },                           \
	{                                                                      \
		.name = "body_memory", .type = VALUE_SIZE,                     \
		.fallback = "256MiB", .min = KIB, .max = 1024 * GIB,           \
		AT(file, body_memory_bytes),                                   \
		.help = "all requests' bodies at once; beyond it 503"          \
	}

/* The address has a host and a port: it was read. */
static bool
is_loopback(struct slice address)
{
	const char *colon = memrchr(address.ptr, ':', address.len);
	struct slice host =
	    slice_make(address.ptr, (size_t)(colon - address.ptr));

	return slice_is(host, "localhost") || slice_is(host, "[::1]") ||
	       (slice_starts(host, "127.") &&
		   strspn(host.ptr, "0123456789.") == host.len);
}

/* An admin token that travels in the clear is everybody's. */
static void
check_admin(struct reader *r, const struct yaml_node *node,
    struct slice address, const struct tls_files *tls)
{
	const struct yaml_item *item =
	    yaml_find(node, slice_of("admin_listen"));

	if (item == NULL || address.len == 0 || is_loopback(address) ||
	    tls->cert.len > 0)
		return;
	mistake_add(r->mistakes, r->source, item->value->place,
	    "'%s' is not this machine alone, and admin tokens would cross the "
	    "network in the clear; add 'admin_tls: {cert: /FILE, key: /FILE}', "
	    "or listen at 127.0.0.1",
	    address.ptr);
}

static void
node_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	const struct node_file *file = record;

	check_admin(r, node, file->admin_listen, &file->admin_tls);
}

static void
egress_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	const struct egress_file *file = record;

	check_admin(r, node, file->admin_listen, &file->admin_tls);
}

static const struct keyword node_keywords[] = {
	{ .name = "listen",
	    .type = VALUE_LISTEN,
	    .required = true,
	    AT(node_file, listen),
	    .help = "host:port for callers" },
	{ .name = "tls",
	    .table = &tls_table,
	    AT(node_file, tls),
	    .help = "callers come by HTTPS; read again at each reload" },
	EDGE_KEYWORDS(node_file, node_timeouts_table),
	{ .name = "providers",
	    .form = FORM_MAP,
	    .table = &provider_table,
	    AT(node_file, providers),
	    COUNT(node_file, providers_count),
	    .help = "the team's own upstreams; all others are the egress's" },
	{ .name = "groups",
	    .form = FORM_MAP,
	    .table = &group_table,
	    .required = true,
	    AT(node_file, groups),
	    COUNT(node_file, groups_count),
	    .help = "what callers send as model" },
	{ .name = "link_listen",
	    .later = true,
	    .help = "host:port for links, of a hub" },
	LIMIT_KEYWORDS(node_file, "all callers together"),
	{ .name = "projects",
	    .form = FORM_MAP,
	    .table = &project_table,
	    AT(node_file, projects),
	    COUNT(node_file, projects_count),
	    .help = "limits of all callers of a project together" },
	{ .name = "users",
	    .form = FORM_MAP,
	    .table = &user_table,
	    AT(node_file, users),
	    COUNT(node_file, users_count),
	    .help = "limits of all callers of a user together" },
	{ .name = "tiers",
	    .form = FORM_MAP,
	    .table = &tier_table,
	    AT(node_file, tiers),
	    COUNT(node_file, tiers_count),
	    .help = "limits that each caller of the tier has for itself" },
};

const struct table node_table = {
	TABLE("a node file", node_keywords, node_file), .finish = node_finish
};

static const struct keyword egress_keywords[] = {
	{ .name = "listen",
	    .type = VALUE_LISTEN,
	    .required = true,
	    AT(egress_file, listen),
	    .help = "host:port for links of nodes" },
	EDGE_KEYWORDS(egress_file, egress_timeouts_table),
	{ .name = "https_proxy",
	    .type = VALUE_URL,
	    AT(egress_file, https_proxy),
	    .help = "the way to providers; never taken from the "
		    "environment" },
	{ .name = "providers",
	    .form = FORM_MAP,
	    .table = &provider_table,
	    .required = true,
	    AT(egress_file, providers),
	    COUNT(egress_file, providers_count),
	    .help = "provider accounts by name" },
};

const struct table egress_table = { TABLE("an egress file", egress_keywords,
					egress_file),
	.finish = egress_finish };
