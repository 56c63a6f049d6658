"""What MooseFS and LizardFS servers answer, without any I/O: requests as bytes, replies as records.

A master listens for clients on TCP port 9421 and answers these questions without a login. Every message is a header of
two big-endian 32-bit numbers (command, length of what follows) and then that many bytes. A server sends a message of
type 0 (NOP, 4 bytes) whenever a connection has been idle for a second or two: also before, and in place of, a reply. A
request of a size the version does not know closes the connection, so ``info`` is asked first: it is the same for all
versions, and its reply tells which layouts the others have.

Layouts: mfscommon/MFSCommunication.h, mfsmaster/matoclserv.c and mfsscripts of the MooseFS sources of 1.6.27, 2.0.91,
3.0.117 and 4.59.2, and src/master/matoclserv.cc of LizardFS 3.13. The 3.0 ones are tested against a real cluster.
Every parser takes any bytes: it gives a record, or raises UnknownLayout and nothing else.
"""
