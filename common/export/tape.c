#include "common/export/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool
tape_open(struct tape *s, const char *path)
{
	struct stat st;
	void *at = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good;

	*s = (struct tape){ NULL, 0 };
	if (fd < 0)
		return false;
	good = fstat(fd, &st) == 0;
	if (good && st.st_size > 0) {
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
		    0);
		good = at != MAP_FAILED;
	}
	if (good && at != MAP_FAILED)
		*s = (struct tape){ at, (size_t)st.st_size };
	close(fd);
	return good;
}

void
tape_close(struct tape *s)
{
	if (s->bytes != NULL)
		munmap((void *)(uintptr_t)s->bytes, s->len);
	*s = (struct tape){ NULL, 0 };
}

struct tape_place
tape_all(const struct tape *s)
{
	return (struct tape_place){ 0, s->len };
}

bool
tape_next(const struct tape *s, struct tape_place *p, struct tape_line *line)
{
	const char *from, *end;

	if (p->at >= p->end)
		return false;
	from = s->bytes + p->at;
	end = memchr(from, '\n', p->end - p->at);
	line->at = p->at;
	line->whole = end != NULL;
	line->text = slice_make(from,
	    end != NULL ? (size_t)(end - from) : p->end - p->at);
	p->at += line->text.len + line->whole;
	return true;
}

size_t
tape_line_from(const struct tape *s, size_t at)
{
	const char *end;

	if (at == 0 || at >= s->len)
		return min_size(at, s->len);
	end = memchr(s->bytes + at - 1, '\n', s->len - at + 1);
	return end != NULL ? (size_t)(end - s->bytes) + 1 : s->len;
}
