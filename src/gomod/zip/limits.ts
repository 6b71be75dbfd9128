/** Bounds on module zips. The first four are Go's; a larger module cannot be used by any go command. */
const MIB = 1024 * 1024;

/** Of the zip itself. */
export const MAX_ZIP_BYTES = 500 * MIB;
/** Of all files in it together, unpacked. */
export const MAX_CONTENT_BYTES = 500 * MIB;
/** Of the go.mod at its root. */
export const MAX_GO_MOD_BYTES = 16 * MIB;
/** Of the LICENSE at its root. */
export const MAX_LICENSE_BYTES = 16 * MIB;

/** How far from the end of a zip its end record can begin: 22 bytes, and a comment as long as its length field can say. */
export const MAX_END_RECORD_BYTES = 22 + 0xffff;
/** Entries of a zip that is read here: the largest real modules have some 30,000. */
export const MAX_ENTRIES = 100_000;
/** Of its central directory, which is held in memory. */
export const MAX_DIRECTORY_BYTES = 32 * MIB;
/**
 * Files, and directories that their names go through, each counted once. Real modules have fewer directories than files; names made of nothing but
 * directories, for which Go has no bound, would fill the memory of the thread that reads them (256 MiB) at some 500,000 alone.
 */
export const MAX_PATHS = 200_000;
