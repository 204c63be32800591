/* A part of a long loop, on a thread of its own, and the flags that it raises. */
typedef struct { void (*run)(intptr_t from, intptr_t to, void **places); intptr_t from, to; void **places; int flags; } part;

static void *run_part(void *given) {
    part *own = given;
    feclearexcept(FE_ALL_EXCEPT);
    own->run(own->from, own->to, own->places);
    note();
    own->flags = flags;
    return 0;
}

/* A loop from 0 to n, divided among threads at multiples of `step`; the last part runs on this thread. */
static void divide(void (*run)(intptr_t, intptr_t, void **), intptr_t n, intptr_t step, int threads, void **places) {
    pthread_t started[threads];
    part parts[threads];
    const intptr_t length = (n + threads * step - 1) / (threads * step) * step;
    intptr_t from = 0;
    int k = 0;
    for (; from + length < n; from += length, k++) {
        parts[k] = (part){run, from, from + length, places, 0};
        if (pthread_create(&started[k], 0, run_part, &parts[k])) break;
    }
    run(from, n, places);
    while (k--) {
        pthread_join(started[k], 0);
        flags |= parts[k].flags;
    }
}
