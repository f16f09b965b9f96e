/* Impedance and Jacobian of L-R-p(R,CPE)-p(R,CPE)-CPE: what a compiler makes of the plain formulas. */
#include <math.h>

#define N 71
static double re[N], im[N], jre[10][N], jim[10][N];

static void arc(const double *lnw, double lnr, double lntau, double a, int p)
{
    double r = exp(lnr), c = cos(M_PI_2 * a), s = sin(M_PI_2 * a);
    for (int i = 0; i < N; i++) {
        double l = lnw[i] + lntau, e = exp(a * l);
        double qr = e * c, qi = e * s, ur = 1 + qr, d = 1 / (ur * ur + qi * qi);
        double zr = r * ur * d, zi = -r * qi * d;
        double fr = (qr * ur + qi * qi) * d, fi = qi * d;
        double tr = zi * fi - zr * fr, ti = -(zi * fr + zr * fi);
        re[i] += zr; im[i] += zi;
        jre[p][i] = zr; jim[p][i] = zi;
        jre[p + 1][i] = a * tr; jim[p + 1][i] = a * ti;
        jre[p + 2][i] = tr * l - ti * M_PI_2; jim[p + 2][i] = ti * l + tr * M_PI_2;
    }
}

double repeat(const double *lnw, const double *w, const double *theta, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        double ind = exp(theta[0]), r0 = exp(theta[1] + 1e-9 * k);
        for (int i = 0; i < N; i++) {
            re[i] = r0; im[i] = ind * w[i];
            jre[0][i] = 0; jim[0][i] = im[i]; jre[1][i] = r0; jim[1][i] = 0;
        }
        arc(lnw, theta[2], theta[3], theta[4], 2);
        arc(lnw, theta[5], theta[6], theta[7], 5);
        double a = theta[9], q = exp(theta[8]), c = q * cos(M_PI_2 * a), s = -q * sin(M_PI_2 * a);
        for (int i = 0; i < N; i++) {
            double e = exp(-a * lnw[i]), zr = c * e, zi = s * e;
            re[i] += zr; im[i] += zi;
            jre[8][i] = zr; jim[8][i] = zi;
            jre[9][i] = -(zr * lnw[i] - zi * M_PI_2); jim[9][i] = -(zi * lnw[i] + zr * M_PI_2);
        }
        sum += re[k % N] + jim[3][k % N];
    }
    return sum;
}
