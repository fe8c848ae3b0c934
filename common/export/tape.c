#include "common/export/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool
tape_open(struct tape *t, const char *path)
{
	struct stat st;
	void *at = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good;

	*t = (struct tape){ NULL, 0 };
	if (fd < 0)
		return false;
	good = fstat(fd, &st) == 0;
	if (good && st.st_size > 0) {
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
		    0);
		good = at != MAP_FAILED;
	}
	if (good && at != MAP_FAILED)
		*t = (struct tape){ at, (size_t)st.st_size };
	close(fd);
	return good;
}

void
tape_close(struct tape *t)
{
	if (t->bytes != NULL)
		munmap((void *)(uintptr_t)t->bytes, t->len);
	*t = (struct tape){ NULL, 0 };
}

struct tape_place
tape_all(const struct tape *t)
{
	return (struct tape_place){ 0, t->len };
}

bool
tape_next(const struct tape *t, struct tape_place *p, struct tape_line *line)
{
	const char *from, *end;

	if (p->at >= p->end)
		return false;
	from = t->bytes + p->at;
	end = memchr(from, '\n', p->end - p->at);
	line->at = p->at;
	line->whole = end != NULL;
	line->text = slice_make(from,
	    end != NULL ? (size_t)(end - from) : p->end - p->at);
	p->at += line->text.len + line->whole;
	return true;
}

size_t
tape_line_from(const struct tape *t, size_t at)
{
	const char *end;

	if (at == 0 || at >= t->len)
		return min_size(at, t->len);
	end = memchr(t->bytes + at - 1, '\n', t->len - at + 1);
	return end != NULL ? (size_t)(end - t->bytes) + 1 : t->len;
}
