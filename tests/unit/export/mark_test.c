#include "tests/unit/export/pair.h"

#include "common/export/mark.h"
#include "common/export/reconcile.h"

/* A checkpoint of a chain that only one of the two members knows. */
static void
put_far_checkpoint(struct fixture *f, const struct secret *key,
    const char *egress, const char *origin)
{
	struct checkpoint_place place = { .seq = 5 };
	char room[CHECKPOINT_KEY_MAX];
	struct buf message;

	snprintf(place.egress, sizeof(place.egress), "%s", egress);
	snprintf(place.origin, sizeof(place.origin), "%s", origin);
	chain_id_write(place.chain, slice_of(egress), 7, 0, slice_of(origin));
	checkpoint_sign(&place, 1, INT64_C(1790000001000000), key, &message);
	assert_int_equal(db_put_now(ledger_db(f->ledger), FAMILY_META,
			     checkpoint_key(room, slice_of(place.chain)),
			     buf_slice(&message)),
	    DB_OK);
	buf_fini(&message);
}

static struct reconciliation
compare(struct pair *p)
{
	struct bundle node, egress;
	struct reconciliation r;
	struct buf why;
	const struct reconcile_wish w = {
		.node = &node,
		.egress = &egress,
		.keys = { pair_key_of, p },
	};

	buf_init(&why, 4096);
	pair_export(p);
	assert_true(bundle_open(&node, p->node_out, &why));
	assert_true(bundle_open(&egress, p->egress_out, &why));
	assert_true(reconcile(&w, &r));
	reconciliation_fini(&r);
	bundle_close(&node);
	bundle_close(&egress);
	buf_fini(&why);
	return r;
}

/* A node has several parents, an egress several nodes. */
static void
test_chains_of_other_members_are_not_missed(void **state)
{
	struct reconciliation r;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	pair_checkpoint(&p);
	r = compare(&p);
	assert_int_equal(r.node.missing + r.egress.missing, 0);
	/* It signed that it has it of another egress, and has none. */
	put_far_checkpoint(&p.node, p.node_key, "egress-2", "node-a");
	r = compare(&p);
	assert_int_equal(r.node.missing, 1);
	assert_int_equal(r.egress.missing, 0);
	/* The same of this egress is missed on both sides. */
	put_far_checkpoint(&p.node, p.node_key, "egress-1", "node-a");
	r = compare(&p);
	assert_int_equal(r.node.missing, 2);
	assert_int_equal(r.egress.missing, 1);
	pair_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_of_other_members_are_not_missed),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
