/* The options of the launcher that are about the network. */
#pragma once

#include "options.h"

/* Whether the argument is one of them, and right. */
int parse_network_option(struct launcher_options *options, const char *argument);
