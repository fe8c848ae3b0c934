/* Who gets in: strangers, loiterers, twins. */
#include "tests/unit/net/lab.h"

/* What the listener's side counted since the lab was made. */
static bool
stranger_seen(struct lab *lab)
{
	if (stat_get(STAT_LINK_STRANGERS) == lab->strangers)
		return false;
	assert_int_equal(lab->egress.ups, 0);
	assert_int_equal(lab->node.ups, 0);
	return true;
}

static void
a_stranger_does_not_get_in(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->egress.refuses_all = true;
	lab_dial(lab);
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

static void
an_unknown_parent_is_not_trusted(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->node.refuses_all = true;
	lab_dial(lab);
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

/* It is in the topology, but not who was to be dialled. */
static void
another_parent_is_not_taken(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->dialled = link_dial(&lab->node.config, lab->address, "egress-2");
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

/* A certificate under a name that its key does not belong to. */
static void
a_name_needs_its_key(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	tls_boot_free(lab->node.tls);
	lab->node.tls = tls_boot_new(lab->node.identity, "node-b");
	lab->node.config.tls = lab->node.tls;
	lab_dial(lab);
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

static void
nobody_links_to_itself(void **state)
{
	struct lab *lab = lab_new();
	struct link_config config = lab->egress.config;

	(void)state;
	config.arg = &lab->node;
	lab->dialled = link_dial(&config, lab->address, "egress-1");
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

static void
connect_raw(struct lab *lab)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port =
		    htons((uint16_t)atoi(strchr(lab->address, ':') + 1)) };

	lab->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(lab->fd, (void *)&in, sizeof(in)), 0);
}

static bool
write_garbage(struct lab *lab)
{
	connect_raw(lab);
	assert_int_equal(write(lab->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	return true;
}

static bool
garbage_hung_up(struct lab *lab)
{
	char answer[64];
	ssize_t n = recv(lab->fd, answer, sizeof(answer), MSG_DONTWAIT);

	if (n > 0 || (n < 0 && errno == EAGAIN))
		return false; /* an alert of TLS */
	close(lab->fd);
	assert_int_equal(lab->egress.ups, 0);
	return true;
}

static void
garbage_is_hung_up_on(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->steps[0] = write_garbage;
	lab->steps[1] = garbage_hung_up;
	lab_run(lab);
}

#define LOITERERS 140 /* more than may be half open */

static bool
loiter(struct lab *lab)
{
	int fd = lab->fd;

	while (lab->loiterers < LOITERERS) {
		connect_raw(lab);
		lab->loiterer[lab->loiterers++] = lab->fd;
	}
	lab->fd = fd;
	return true;
}

static bool
is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Those who came late are served all the same. */
static bool
dial_late(struct lab *lab)
{
	lab_dial(lab);
	return true;
}

/* The first had to go for the last, long before their time was over. */
static bool
leave(struct lab *lab)
{
	assert_false(is_open(lab->loiterer[0]));
	assert_true(is_open(lab->loiterer[LOITERERS - 1]));
	while (lab->loiterers > 0)
		close(lab->loiterer[--lab->loiterers]);
	return true;
}

static void
loiterers_are_pushed_out(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->steps[0] = loiter;
	lab->steps[1] = dial_late;
	lab->steps[2] = both_up;
	lab->steps[3] = leave;
	lab_run(lab);
}

static void
a_name_is_resolved(void **state)
{
	struct lab *lab = lab_new();
	char address[32];

	(void)state;
	snprintf(address, sizeof(address), "localhost%s",
	    strchr(lab->address, ':'));
	lab->dialled = link_dial(&lab->node.config, address, "egress-1");
	lab->steps[0] = both_up;
	lab_run(lab);
}

static bool
dial_twin(struct lab *lab)
{
	lab->twin = lab->node.config;
	crypto_random(&lab->twin.boot, sizeof(lab->twin.boot));
	lab->second = link_dial(&lab->twin, lab->address, "egress-1");
	return true;
}

static bool
twin_noticed(struct lab *lab)
{
	if (lab->egress.ups < 2 || lab->egress.twins == 0)
		return false;
	/* The twin is told as well. */
	return lab->node.twins > 0;
}

static void
a_second_boot_raises_an_alarm(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = dial_twin;
	lab->steps[2] = twin_noticed;
	lab_run(lab);
}

static bool
dial_lane(struct lab *lab)
{
	lab->twin = lab->node.config;
	lab->twin.lane = 1;
	lab->second = link_dial(&lab->twin, lab->address, "egress-1");
	return true;
}

static bool
lane_is_up(struct lab *lab)
{
	if (lab->egress.ups < 2 || lab->node.ups < 2)
		return false;
	assert_int_equal(link_peer_lane(lab->egress.link), 1);
	assert_int_equal(lab->egress.twins + lab->node.twins, 0);
	return true;
}

static void
another_lane_raises_none(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = dial_lane;
	lab->steps[2] = lane_is_up;
	lab_run(lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stranger_does_not_get_in),
		cmocka_unit_test(an_unknown_parent_is_not_trusted),
		cmocka_unit_test(another_parent_is_not_taken),
		cmocka_unit_test(a_name_needs_its_key),
		cmocka_unit_test(nobody_links_to_itself),
		cmocka_unit_test(garbage_is_hung_up_on),
		cmocka_unit_test(loiterers_are_pushed_out),
		cmocka_unit_test(a_name_is_resolved),
		cmocka_unit_test(a_second_boot_raises_an_alarm),
		cmocka_unit_test(another_lane_raises_none),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
