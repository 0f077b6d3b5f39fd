# Systems as Make targets: include $(shell sdfgen --make-dir)/sdfgen.mk
#
#   $(call sdfgen_system,TARGET,DESCRIPTION[,FOLDER[,OPTIONS]])
#
# `make TARGET` builds DESCRIPTION into FOLDER (`build` unless it is given), again whenever anything has changed that it is
# made from. $(FOLDER)/TARGET.stamp is newer than all of that: what others depend on. OPTIONS go to `sdfgen build`.
SDFGEN ?= sdfgen

define sdfgen_system_rules
.PHONY: $(1)
$(1): $(3)/$(1).stamp
$(3)/$(1).stamp: $(2)
	+$$(SDFGEN) build $(2) -o $(3) --stamp $$@ --depfile $(3)/$(1).d $(4)
-include $(3)/$(1).d
endef
sdfgen_system = $(eval $(call sdfgen_system_rules,$(1),$(2),$(or $(3),build),$(4)))
