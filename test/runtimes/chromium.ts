/** Where Debian puts it; `CHROMIUM` names another one. */
export const CHROMIUM: string = process.env.CHROMIUM ?? '/usr/bin/chromium';
