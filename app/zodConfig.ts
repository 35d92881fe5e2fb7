/** Imported before everything else: zod must not compile its checks with `new Function`, which the page's content security policy forbids. */
import { z } from 'zod';

z.config({ jitless: true });
