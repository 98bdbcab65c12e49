/** The attribute that names a participant's user. @module */

/**
 * The attribute of a participant whose identity is not their user's id: a room has each identity once,
 * and a user may join with several devices.
 */
export const USER_ATTRIBUTE = "ringline.user_id";
