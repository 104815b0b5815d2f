# Tingxie: `make help` lists the targets. Everything is built under build/; a variant under build/<variant>.
#
#   make                     build/tingxie, the libraries
#   make VARIANT=asan all    the same with sanitizers, and so on: asan tsan double scalar fuzz neon

comma := ,
VARIANT ?=
BUILD   := build$(if $(VARIANT),/$(VARIANT))
CC      ?= cc
AR      ?= ar
PREFIX  ?= /usr/local
VERSION := 0.1.0
V       ?= 0
Q       := $(if $(filter 0,$(V)),@)
say      = $(if $(filter 0,$(V)),@echo '  $(1)')
MACHINE := $(shell $(CC) -dumpmachine | cut -d- -f1)

PACKAGES := sndfile soxr jansson yaml-0.1 libutf8proc libprotobuf-c libzip libsodium zlib libpng liblzma
OPTIONAL := libcurl libarchive ompi-c
ifeq ($(WITH_FFMPEG),1)
PACKAGES += libavformat libavcodec libswresample libavutil
DEFINES  += -DTING_WITH_FFMPEG
endif
FOUND    := $(shell for p in $(OPTIONAL); do pkg-config --exists $$p && echo $$p; done)
DEFINES  += $(if $(filter libcurl,$(FOUND)),$(if $(filter libarchive,$(FOUND)),-DTING_WITH_PULL))
DEFINES  += $(if $(filter ompi-c,$(FOUND)),-DTING_WITH_MPI)
PKG      := $(shell pkg-config --cflags $(PACKAGES) $(FOUND) 2>/dev/null)
LIBS     := $(shell pkg-config --libs $(PACKAGES) $(filter-out ompi-c,$(FOUND)) 2>/dev/null) -lpthread -lm
# Training alone needs MPI: what only recognises is not linked with it.
MPI_LIBS := $(if $(filter ompi-c,$(FOUND)),-Wl$(comma)--as-needed $(shell pkg-config --libs ompi-c) -Wl$(comma)--no-as-needed)

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wcast-qual \
          -Wwrite-strings -Wundef -Wformat=2 -Wno-missing-field-initializers
OPT    ?= -O2
CFLAGS ?= -g
TCFLAGS := -std=c11 -D_XOPEN_SOURCE=700 -D_DEFAULT_SOURCE $(WARN) $(WERROR) $(OPT) -ffp-contract=off -fno-math-errno \
           -fvisibility=hidden -fPIC -pthread -Iinclude -Isrc -Itests -I$(BUILD)/gen -DTING_VERSION='"$(VERSION)"' $(DEFINES) $(PKG)
TLDFLAGS := -pthread

ifeq ($(VARIANT),asan)
TCFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TLDFLAGS += -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
TCFLAGS += -fsanitize=thread -fno-omit-frame-pointer
TLDFLAGS += -fsanitize=thread
else ifeq ($(VARIANT),double)
TCFLAGS += -DTING_DOUBLE
else ifeq ($(VARIANT),scalar)
TCFLAGS += -DTING_SCALAR_ONLY
else ifeq ($(VARIANT),fuzz)
CC := clang
TCFLAGS += -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -DTING_SCALAR_ONLY
TLDFLAGS += -fsanitize=address,undefined
endif

# ---- sources by floor; kernels of other machines, or of the double and scalar builds, drop out ----
X86_KERNELS := $(wildcard src/kern/*_avx2.c src/kern/*_avx512.c src/kern/*_vnni.c src/kern/*_amx.c)
ARM_KERNELS := $(wildcard src/kern/*_neon.c src/kern/*_dotprod.c)
DROP := $(if $(filter x86_64,$(MACHINE)),$(ARM_KERNELS),$(if $(filter aarch64,$(MACHINE)),$(X86_KERNELS),$(X86_KERNELS) $(ARM_KERNELS)))
ifneq ($(filter double scalar fuzz,$(VARIANT)),)
DROP := $(X86_KERNELS) $(ARM_KERNELS)
endif
DROP += src/cli/$(if $(filter -DTING_WITH_PULL,$(DEFINES)),transfer_absent.c,transfer.c)
DROP += src/train/$(if $(filter -DTING_WITH_MPI,$(DEFINES)),ranks_absent.c,ranks_mpi.c)
DROP += src/audio/$(if $(filter 1,$(WITH_FFMPEG)),ffmpeg_absent.c,ffmpeg.c)
dirs = $(filter-out $(DROP),$(foreach d,$(1),$(wildcard src/$(d)/*.c)))

# The double build is for gradients and reference vectors: it stops below the engine and the trainer.
INFER_SRC := $(call dirs,base kern audio nn text feat model decode $(if $(filter double,$(VARIANT)),,engine))
TRAIN_SRC := $(call dirs,nn/bwd loss optim $(if $(filter double,$(VARIANT)),,data train))
CLI_SRC   := $(call dirs,cli)
PROTO     := $(wildcard src/model/*.proto)
GEN_C     := $(PROTO:src/model/%.proto=$(BUILD)/gen/%.pb-c.c)
GEN_H     := $(GEN_C:.c=.h)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
INFER_OBJ := $(call obj,$(INFER_SRC)) $(GEN_C:.c=.o)
TRAIN_OBJ := $(call obj,$(TRAIN_SRC))
CLI_OBJ   := $(call obj,$(CLI_SRC))

LIB   := $(BUILD)/libtingxie.a
TLIB  := $(BUILD)/libtingxie_train.a
SO    := $(BUILD)/libtingxie.so.0
PROG  := $(if $(filter double,$(VARIANT)),,$(if $(CLI_SRC),$(BUILD)/tingxie))

# Every tests/*/test_*.c is one program; tests/support is linked into all of them, the other files of
# tests/grad into the programs there. The double build has no trainer, so it lacks training.c.
SUPPORT_OBJ := $(call obj,$(filter-out $(if $(filter double,$(VARIANT)),%/training.c),$(wildcard tests/support/*.c)))
TEST_DIRS   := $(if $(filter double,$(VARIANT)),grad kern,unit kern grad cli)
TEST_SRC    := $(filter-out $(if $(filter x86_64,$(MACHINE)),,%_amx.c),$(foreach d,$(TEST_DIRS),$(wildcard tests/$(d)/test_*.c)))
TEST_BIN    := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
GRAD_OBJ    := $(call obj,$(filter-out tests/grad/test_%,$(wildcard tests/grad/*.c)))

# Every tests/fuzz/fuzz_<parser>.c is replayed as a test, and is a libFuzzer program in the variant fuzz.
FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_COMMON := $(call obj,tests/fuzz/common.c)
TEST_BIN    += $(if $(filter double fuzz,$(VARIANT)),,$(FUZZ_SRC:tests/%.c=$(BUILD)/tests/%))

.PHONY: all help demo test golden eval eval-hotwords bench lm-table p2h-table check asan tsan double scalar neon cross fuzz install clean
.SECONDARY:
.DELETE_ON_ERROR:

all: $(LIB) $(TLIB) $(PROG)

help:
	@sed -n 's/^\([a-z ]*\):.*## /\1\t/p' Makefile

$(BUILD)/obj/%_avx2.o:   ISA := -mavx2 -mfma -mf16c -O3
$(BUILD)/obj/%_avx512.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -O3
$(BUILD)/obj/%_vnni.o:   ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mfma -mf16c -O3
$(BUILD)/obj/%_amx.o:    ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8 -mfma -O3
$(BUILD)/obj/%_dotprod.o: ISA := -march=armv8.2-a+dotprod -O3
$(BUILD)/obj/src/kern/%.o: FAST := -O3

$(BUILD)/obj/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(TCFLAGS) $(CFLAGS) $(FAST) $(ISA) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h: src/model/%.proto
	@mkdir -p $(@D)
	$(call say,MK $@)
	$(Q)protoc-c --proto_path=src/model --c_out=$(BUILD)/gen $<

# Generated code is not ours to warn about; its assertions would abort.
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(call say,MK $@)
	$(Q)$(CC) $(filter-out $(WARN) -Werror,$(TCFLAGS)) $(CFLAGS) -DNDEBUG -c -o $@ $<

# The objects of a rule as a library; and as a program, with its libraries, more flags before (1) and behind (2).
define archive
	@rm -f $@
	$(call say,MK $@)
	$(Q)$(AR) rcs $@ $^
endef
define link
	@mkdir -p $(@D)
	$(call say,MK $@)
	$(Q)$(CC) $(1) $(TLDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) $(MPI_LIBS) $(2)
endef

$(LIB): $(INFER_OBJ)
	$(archive)

$(TLIB): $(TRAIN_OBJ)
	$(archive)

$(SO): $(INFER_OBJ)
	$(call say,MK $@)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) $(if $(VARIANT),,-Wl,--no-undefined) $(TLDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tingxie: $(CLI_OBJ) $(TLIB) $(LIB)
	$(call link)

# What tests of single parts of the program link: everything of src/cli but main.
CLI_LIB := $(BUILD)/libcli.a
$(CLI_LIB): $(filter-out %/main.o,$(CLI_OBJ))
	$(archive)

# tests/support/failing.c stands before the allocator
WRAP := -Wl,--wrap=posix_memalign
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(SUPPORT_OBJ) $(TLIB) $(LIB)
	$(call link,$(WRAP),-lcmocka)

$(filter $(BUILD)/tests/grad/%,$(TEST_BIN)): $(GRAD_OBJ)

$(BUILD)/tests/cli/%: $(BUILD)/obj/tests/cli/%.o $(SUPPORT_OBJ) $(CLI_LIB) $(TLIB) $(LIB)
	$(call link,$(WRAP),-lcmocka)

$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(call obj,tests/fuzz/replay.c) $(FUZZ_COMMON) $(SUPPORT_OBJ) $(TLIB) $(LIB)
	$(call link,$(WRAP),-lcmocka)

$(BUILD)/fuzzer/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(FUZZ_COMMON) $(SUPPORT_OBJ) $(TLIB) $(LIB)
	$(call link,-fsanitize=fuzzer $(WRAP),-lcmocka)

# Speed is measured in the program's own surroundings: no allocator in between, no test library.
$(BUILD)/tests/bench/%: $(BUILD)/obj/tests/bench/%.o $(TLIB) $(LIB)
	$(call link)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# The reference vectors of tests/golden are tests too where a tolerance was made for the build: float and double.
GOLDEN_BIN  := $(if $(filter-out double,$(VARIANT)),,$(BUILD)/golden)
test: all $(if $(filter double,$(VARIANT)),,$(SO)) $(TEST_BIN) $(GOLDEN_BIN) ## every test: about a minute, no network, no Python
	@BUILD=$(BUILD) sh tests/run.sh $(TEST_BIN) $(GOLDEN_BIN)

# ---- reference vectors: float with the fast kernels, double with the C reference ----
GOLDEN_OBJ := $(call obj,$(wildcard tests/golden/*.c))

$(BUILD)/golden: $(GOLDEN_OBJ) $(TLIB) $(LIB)
	$(call link)

golden: $(BUILD)/golden ## compares with the reference vectors in TING_GOLDEN (default tests/golden), in float and double
	@$(MAKE) --no-print-directory VARIANT=double build/double/golden
	@$(BUILD)/golden "$${TING_GOLDEN:-tests/golden}"; float=$$?; \
	 build/double/golden "$${TING_GOLDEN:-tests/golden}" && exit $$float

demo: all ## transcribes a sentence
	@sh tools/demo.sh $(BUILD)/tingxie

eval: all ## error rates on recorded speech in TING_SPEECH (default ../shared/speech)
	@sh tools/eval.sh $(BUILD)/tingxie

eval-hotwords: all ## what a list of hotwords finds and disturbs, on made sentences and those of TING_SPEECH
	@sh tools/eval_hotwords.sh $(BUILD)/tingxie

BENCH_BIN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))
bench: all $(BENCH_BIN) ## speed of kernels, networks and the whole program, a TSV line a case
	@for b in $(BENCH_BIN); do $$b || exit 1; done
	@sh tests/bench/compare.sh $(BUILD)/tingxie
	@BENCH=$(BUILD)/tests/bench/bench_train_am sh tests/bench/compare_train.sh

lm-table: all ## language models of every kind beside each other (hours, once); tests/bench/lm_table.sh
	@sh tests/bench/lm_table.sh $(BUILD)/tingxie

p2h-table: all ## ways from pinyin to hanzi beside each other (an hour, once); tests/bench/p2h_table.sh
	@sh tests/bench/p2h_table.sh $(BUILD)/tingxie

check: all ## laws of the house: floors, sizes, form, symbols, docs, headers that compile alone
	@sh tools/check.sh
	@for h in $$(git ls-files 'include/*.h' 'src/*.h' ':!src/kern/body' ':!src/kern/vec_*'); do echo "#include \"$$h\"" | \
	    $(CC) $(filter-out -MMD,$(TCFLAGS)) -I. -Wno-missing-prototypes -fsyntax-only -x c - || exit 1; done

asan tsan scalar: ## the tests under sanitizers, or with the plain C kernels only
	TEST_TIMEOUT=$${TEST_TIMEOUT:-3600} $(MAKE) VARIANT=$@ test

double: ## gradient checks and kernels in double precision
	$(MAKE) VARIANT=double test

# The kernel tests for aarch64, linked statically and run by qemu's user emulation.
NEON_CC  ?= aarch64-linux-gnu-gcc
NEON_RUN ?= qemu-aarch64
CROSS_OBJ := $(call obj,$(patsubst %,src/base/%.c,arena cpu err mem pool rng) $(call dirs,kern) tests/support/guard.c tests/cross/run.c)
CROSS_BIN := $(patsubst tests/%.c,$(BUILD)/cross/%,$(filter-out %_amx.c,$(wildcard tests/kern/test_*.c)))

$(BUILD)/obj/tests/%.o: TCFLAGS += $(if $(filter neon,$(VARIANT)),-Itests/cross)
$(BUILD)/cross/%: $(BUILD)/obj/tests/%.o $(CROSS_OBJ)
	$(call link,-static)

neon: ## the kernels of aarch64, cross-compiled, tested under qemu-user
	@if command -v $(NEON_CC) >/dev/null && command -v $(NEON_RUN) >/dev/null; then \
	    $(MAKE) --no-print-directory VARIANT=neon CC=$(NEON_CC) PACKAGES= OPTIONAL= cross; \
	else echo "# skipped: make neon needs $(NEON_CC) and $(NEON_RUN)"; fi

cross: $(CROSS_BIN)
	@BUILD=$(BUILD) RUN=$(NEON_RUN) sh tests/run.sh $(CROSS_BIN)

# ---- make install PREFIX=/usr/local DESTDIR= ----
ROOT := $(DESTDIR)$(PREFIX)
define PC
prefix=$(PREFIX)
includedir=$${prefix}/include
libdir=$${prefix}/lib
modelsdir=$${prefix}/share/tingxie/models

Name: tingxie
Description: Mandarin speech recognition
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -ltingxie
Libs.private: $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lpthread -lm
endef
# What trains needs more than the shared library exports: both archives, and MPI where it was found.
define TRAIN_PC
prefix=$(PREFIX)
includedir=$${prefix}/include
libdir=$${prefix}/lib

Name: tingxie-train
Description: Mandarin speech recognition, training of its models
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -l:libtingxie_train.a -l:libtingxie.a $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lpthread -lm $(MPI_LIBS)
endef
export PC TRAIN_PC

install: all $(SO) ## program, libraries, headers, pkg-config files, man pages, docs, recipes, completions, models: PREFIX, DESTDIR
	$(Q)install -d $(ROOT)/bin $(ROOT)/include $(ROOT)/lib/pkgconfig $(ROOT)/share/man/man1 $(ROOT)/share/doc/tingxie \
	    $(ROOT)/share/bash-completion/completions $(ROOT)/share/zsh/site-functions $(ROOT)/share/tingxie/models
	$(Q)install $(PROG) $(ROOT)/bin/tingxie
	$(Q)install -m 644 include/*.h $(ROOT)/include
	$(Q)install -m 644 $(LIB) $(TLIB) $(ROOT)/lib
	$(Q)install $(SO) $(ROOT)/lib
	$(Q)ln -sf $(notdir $(SO)) $(ROOT)/lib/libtingxie.so
	$(Q)printf '%s\n' "$$PC" >$(ROOT)/lib/pkgconfig/tingxie.pc
	$(Q)printf '%s\n' "$$TRAIN_PC" >$(ROOT)/lib/pkgconfig/tingxie-train.pc
	$(Q)install -m 644 LICENSE README.md $(ROOT)/share/doc/tingxie
	$(Q)cp -R docs recipes $(ROOT)/share/doc/tingxie && chmod -R a+rX $(ROOT)/share/doc/tingxie
	$(Q)$(PROG) --generate man >$(ROOT)/share/man/man1/tingxie.1
	$(Q)$(PROG) --generate commands | while read -r c; do \
	    $(PROG) --generate man $$c >"$(ROOT)/share/man/man1/tingxie-$$(echo $$c | tr ' ' -).1" || exit 1; done
	$(Q)$(PROG) --generate bash >$(ROOT)/share/bash-completion/completions/tingxie
	$(Q)$(PROG) --generate zsh >$(ROOT)/share/zsh/site-functions/_tingxie
	$(Q)[ ! -d models ] || { cp -R models/. $(ROOT)/share/tingxie/models && chmod -R a+rX $(ROOT)/share/tingxie/models; }

FUZZ    ?= $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
SECONDS ?= 60
fuzz: $(FUZZ:%=build/tests/fuzz/fuzz_%) ## libFuzzer (clang) on one parser or all: FUZZ=gguf SECONDS=60
	@$(MAKE) --no-print-directory VARIANT=fuzz $(FUZZ:%=build/fuzz/fuzzer/%)
	@for parser in $(FUZZ); do found=build/fuzz/corpus/$$parser; mkdir -p $$found tests/fuzz/corpus/$$parser; \
	    build/tests/fuzz/fuzz_$$parser --seeds $$found || exit 1; echo "fuzzing $$parser for $(SECONDS) s"; \
	    LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0 build/fuzz/fuzzer/$$parser -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=262144 -verbosity=0 \
	        -print_final_stats=1 -artifact_prefix=build/fuzz/finding-$$parser- $$found tests/fuzz/corpus/$$parser || exit 1; done
	@rmdir tests/fuzz/corpus/* tests/fuzz/corpus 2>/dev/null || true

clean: ## removes build/
	rm -rf build
