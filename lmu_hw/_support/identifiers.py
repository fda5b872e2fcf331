"""Names that are valid for files, Verilog modules and C symbols, and the simulation macro."""

from __future__ import annotations

import re

RULE = (
    "a lower-case identifier of at most 40 characters that is not a keyword of Verilog or C, a C "
    "header or a type ending in _t, such as gyro_memory"
)
_WORDS = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class
clocking cmos config const constraint context continue cover covergroup coverpoint cross deassign
default defparam design disable dist do edge else end endcase endchecker endclass endclocking
endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram
endproperty endsequence endspecify endtable endtask enum event eventually expect export extends
extern final first_match for force foreach forever fork forkjoin function generate genvar global
highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include
initial inout input inside instance int integer interconnect interface intersect join join_any
join_none large let liblist library local localparam logic longint macromodule matches medium
modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence
rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct
super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order
wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""
_C_HEADERS = """
aio alloca assert complex cpio ctype dirent dlfcn endian errno fcntl features fenv float fmtmsg ftw
glob grp iconv inttypes iso646 langinfo libgen limits lmu_kernels locale math monetary mqueue
ndbm netdb poll pthread pwd regex sched semaphore setjmp signal spawn stdalign stdarg
stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings stropts syslog tar termios
tgmath threads time uchar ulimit unistd utime utmpx wchar wctype wordexp
"""
_C_WORDS = """
alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool
break case catch char char16_t char32_t char8_t class co_await co_return co_yield compl concept
const const_cast consteval constexpr constinit continue decltype default delete do double
dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable
namespace new noexcept not not_eq nullptr operator or or_eq private protected public reflexpr
register reinterpret_cast requires restrict return short signed sizeof static static_assert
static_cast struct switch synchronized template this thread_local throw true try typedef typeid
typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq
assert errno i386 linux mips stderr stdin stdout unix
"""
VERILOG_WORDS = frozenset(_WORDS.split())
"""Reserved words of Verilog and of SystemVerilog, as which many tools read Verilog."""
COLLISION_MACRO = "LMU_HW_COLLISION_X"
"""Macro to define in simulation: a RAM then returns X where real memory would be undefined."""
C_WORDS = frozenset(_C_WORDS.split())
"""Keywords of C and C++, and lower-case macros of common compilers and headers."""
_TAKEN = VERILOG_WORDS | C_WORDS | frozenset(_C_HEADERS.split())


def is_design_name(name: str) -> bool:
    """Return whether a name is valid for a design (see `RULE`)."""
    valid = re.fullmatch("[a-z][a-z0-9_]{0,39}", name) is not None
    return valid and name not in _TAKEN and not name.endswith("_t")


def is_channel_name(name: str) -> bool:
    """Return whether a name is valid for a channel, as part of C names and as a C name itself."""
    return re.fullmatch("[a-z][a-z0-9_]{0,39}", name) is not None and name not in C_WORDS
