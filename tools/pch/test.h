// common.h, and what many tests include.
#ifndef NMQ_TOOLS_PCH_TEST_H_
#define NMQ_TOOLS_PCH_TEST_H_

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/pch/common.h"

#endif  // NMQ_TOOLS_PCH_TEST_H_
