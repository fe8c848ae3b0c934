#include "common/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG      1024
#define HOST_BYTES   256
#define PORT_BYTES   6
#define SOCKET_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

struct place {
	char host[HOST_BYTES];
	char port[PORT_BYTES];
};

/* "host:port", "[::1]:port", ":port" (every address). */
static bool
parse_place(struct place *p, struct slice address)
{
	const char *colon = memrchr(address.ptr, ':', address.len);
	struct slice host, port;

	if (colon == NULL)
		return false;
	host = slice_make(address.ptr, (size_t)(colon - address.ptr));
	port = slice_after(address, host.len + 1);
	if (host.len >= 2 && host.ptr[0] == '[' &&
	    host.ptr[host.len - 1] == ']')
		host = slice_make(host.ptr + 1, host.len - 2);
	if (host.len >= sizeof(p->host) || port.len == 0 ||
	    port.len >= sizeof(p->port) ||
	    memchr(host.ptr, '\0', host.len) != NULL)
		return false;
	snprintf(p->host, sizeof(p->host), "%.*s", SLICE_FMT(host));
	snprintf(p->port, sizeof(p->port), "%.*s", SLICE_FMT(port));
	return strspn(p->port, "0123456789") == port.len &&
	       strtoul(p->port, NULL, 10) <= UINT16_MAX;
}

static int
listen_at(const struct addrinfo *at, bool shared, const char **why)
{
	int one = 1;
	int fd = socket(at->ai_family, at->ai_socktype | SOCKET_FLAGS,
	    at->ai_protocol);

	*why = "no socket could be made";
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	if (errno == EADDRINUSE)
		*why = "the address is in use";
	else if (errno == EACCES)
		*why = "the port needs more rights";
	else
		*why = "the address is not one of this machine";
	close(fd);
	return -1;
}

int
listen_tcp(struct slice address, bool shared, const char **why)
{
	struct addrinfo want = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	struct place place;
	int fd;

	*why = "it is not host:port";
	if (!parse_place(&place, address))
		return -1;
	*why = "the host is not known";
	if (getaddrinfo(place.host[0] != '\0' ? place.host : NULL, place.port,
		&want, &found) != 0)
		return -1;
	fd = listen_at(found, shared, why);
	freeaddrinfo(found);
	return fd;
}

static bool
somebody_answers(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCKET_FLAGS, 0);
	bool answered;

	if (fd < 0)
		return true;
	/* EAGAIN: there is one, and it is busy. */
	answered = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ||
		   errno == EAGAIN;
	close(fd);
	return answered;
}

/* What is at the path may go: a socket that nobody listens on, or nothing. */
static bool
clear_path(const struct sockaddr_un *at, const char **why)
{
	struct stat found;

	if (lstat(at->sun_path, &found) != 0)
		return true;
	*why = "something that is no socket is in its place";
	if (!S_ISSOCK(found.st_mode))
		return false;
	*why = "another process listens there";
	if (somebody_answers(at))
		return false;
	return unlink(at->sun_path) == 0;
}

int
listen_unix(const char *path, const char **why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	*why = "the path is too long for a socket";
	if (strlen(path) >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (!clear_path(&at, why))
		return -1;
	*why = "no socket could be made";
	fd = socket(AF_UNIX, SOCK_STREAM | SOCKET_FLAGS, 0);
	if (fd < 0)
		return -1;
	*why = "no socket could be put there";
	/* Nobody can connect between bind and listen: mode 0600 in time. */
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    chmod(path, 0600) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

unsigned
listen_port(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return 0;
	if (at.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)(void *)&at)->sin_port);
	if (at.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&at)->sin6_port);
	return 0;
}

bool
listen_peer(int fd, unsigned *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	/* A TCP socket gives one, too, of nobody. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    peer.pid == 0)
		return false;
	*uid = peer.uid;
	return true;
}

void
listen_address(int fd, char text[LISTEN_ADDRESS_CHARS])
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	text[0] = '\0';
	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 ||
	    (peer.ss_family != AF_INET && peer.ss_family != AF_INET6))
		return;
	if (getnameinfo((struct sockaddr *)&peer, len, text,
		LISTEN_ADDRESS_CHARS, NULL, 0, NI_NUMERICHOST) != 0)
		text[0] = '\0';
}
