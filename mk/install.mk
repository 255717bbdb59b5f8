# install and uninstall: PREFIX, DESTDIR, and each folder by itself.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
INSTALL ?= install

$(BUILD)/crm.pc: crm.pc.in Makefile mk/install.mk FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	    -e 's|@VERSION@|$(VERSION)|' $< >$@
.PHONY: FORCE install uninstall
FORCE:

install: all $(BUILD)/crm.pc
	$(INSTALL) -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(MANDIR)/man1' \
	    '$(DESTDIR)$(COMPLETIONDIR)'
	$(INSTALL) -m 644 $(PUBLIC_HEADERS) '$(DESTDIR)$(INCLUDEDIR)'
	$(INSTALL) -m 644 $(STATIC) '$(DESTDIR)$(LIBDIR)'
	$(INSTALL) -m 755 $(SHARED_FILE) '$(DESTDIR)$(LIBDIR)'
	ln -sf libcrm.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/libcrm.so.$(SOVERSION)'
	ln -sf libcrm.so.$(SOVERSION) '$(DESTDIR)$(LIBDIR)/libcrm.so'
	$(INSTALL) -m 644 $(BUILD)/crm.pc '$(DESTDIR)$(LIBDIR)/pkgconfig'
	$(INSTALL) -m 755 $(TOOL) '$(DESTDIR)$(BINDIR)'
	$(INSTALL) -m 644 docs/crm.1 '$(DESTDIR)$(MANDIR)/man1'
	$(INSTALL) -m 644 completions/crm.bash '$(DESTDIR)$(COMPLETIONDIR)/crm'
	@# The loader's cache is the packager's business when DESTDIR is set.
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then ldconfig 2>/dev/null || true; fi

uninstall:
	rm -f $(PUBLIC_HEADERS:include/%='$(DESTDIR)$(INCLUDEDIR)/%')
	rm -f '$(DESTDIR)$(LIBDIR)/libcrm.a' '$(DESTDIR)$(LIBDIR)/libcrm.so' '$(DESTDIR)$(LIBDIR)/libcrm.so.$(SOVERSION)' \
	    '$(DESTDIR)$(LIBDIR)/libcrm.so.$(VERSION)' '$(DESTDIR)$(LIBDIR)/pkgconfig/crm.pc'
	rm -f '$(DESTDIR)$(BINDIR)/crm' '$(DESTDIR)$(MANDIR)/man1/crm.1' '$(DESTDIR)$(COMPLETIONDIR)/crm'
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then ldconfig 2>/dev/null || true; fi
